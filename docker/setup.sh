#!/bin/sh
# Makes the passwords and certificates of docker-compose.yml, once, and hands each container what is its own.
# NODES names the nodes of Elasticsearch, each of which has a certificate in that name: of several, as in
# docker-compose.cluster.yml, one that it also shows to the others.
#
# They are kept in a volume that no other container has. Every start copies them from there, so that a lost copy
# comes back, and what is running keeps the passwords it knows.
set -eu
umask 077

KEPT=/vault/kept
DAYS=3650
ELASTICSEARCH=1000:0
SERVICE=10001:10001
NODES=${NODES:-elasticsearch}
case $NODES in
*\ *) KIND=member ;;
*) KIND=elasticsearch ;;
esac

make_secrets() {
    openssl rand -hex 24 >superuser.password
    openssl rand -hex 24 >service.password
    certificate authority authority -subj "/CN=es-counters"
    for node in $NODES; do
        certificate "$node" "$KIND" -subj "/CN=$node" -CA authority.crt -CAkey authority.key
        openssl verify -x509_strict -CAfile authority.crt "$node.crt"
    done
    # Nothing else can ever be signed with it.
    rm authority.key
}

# certificate NAME KIND OPTION…: NAME.key and NAME.crt, with the extensions that openssl.cnf has for that kind.
certificate() {
    export name="$1"
    kind=$2
    shift 2
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$name.key"
    openssl req -x509 -config /app/openssl.cnf -extensions "$kind" -days "$DAYS" \
        -key "$name.key" -out "$name.crt" "$@"
}

# give OWNER SOURCE TARGET: the owner may read the file, and nobody else. The mode comes before the owner, because
# of all capabilities this container keeps but CHOWN, and cannot change another user's file.
give() {
    # A start that was cut short may have left one that is the owner's already, and that this one cannot write to.
    rm -f "$3.new"
    cp "$KEPT/$2" "$3.new"
    chmod 400 "$3.new"
    chown "$1" "$3.new"
    mv "$3.new" "$3"
}

if [ ! -d "$KEPT" ]; then
    # Renamed in the end: a start that was cut short leaves nothing that the next one would take for whole.
    rm -rf "$KEPT.new"
    mkdir "$KEPT.new"
    (cd "$KEPT.new" && make_secrets)
    mv "$KEPT.new" "$KEPT"
    echo "Passwords and certificates: made."
fi

for node in $NODES; do
    give "$ELASTICSEARCH" superuser.password "/for-$node/superuser.password"
    give "$ELASTICSEARCH" authority.crt "/for-$node/authority.crt"
    give "$ELASTICSEARCH" "$node.crt" "/for-$node/elasticsearch.crt"
    give "$ELASTICSEARCH" "$node.key" "/for-$node/elasticsearch.key"
done
give "$SERVICE" superuser.password /for-init/superuser.password
give "$SERVICE" service.password /for-service/service.password
give "$SERVICE" authority.crt /for-service/authority.crt
echo "Passwords and certificates: handed out. Elasticsearch starts now, which takes about half a minute."
