-- What each thread of wrk does. There is one for each connection, so that it has one request under way and knows when
-- that was due, when it was sent and when it was answered. benchmarks/load.py reads what is written here.
--
-- wrk … --script load.lua URL -- SECONDS RATE COUNTERS KEYED FOLDER CONNECTIONS
--   URL          what the numbers of counters are appended to
--   SECONDS      for which requests are sent
--   RATE         how many are due a second, on all connections together; 0 for a closed loop
--   COUNTERS     how many there are, of which each request goes to a random one
--   KEYED        "keyed" for a new Idempotency-Key with each request
--   FOLDER       where each thread writes a line for each request: due, sent, ended (microseconds), status, the counter's
--                number, outcome
--   CONNECTIONS  how many there are
--
-- A thread that has nothing under way any more, and sends nothing any more, adds ".done" to the name of its file.

local ffi = require("ffi")
ffi.cdef [[
  typedef struct { long seconds; long nanoseconds; } moment;
  int clock_gettime(int clock, moment *now);
]]
local REALTIME = 0
local MONOTONIC = ffi.os == "OSX" and 6 or 1
local LEAD = 1e5 -- microseconds from the first thread's setup to the first request that is due: all are there by then

local moment = ffi.new("moment")

local function microseconds(clock)
  ffi.C.clock_gettime(clock, moment)
  return tonumber(moment.seconds) * 1e6 + math.floor(tonumber(moment.nanoseconds) / 1e3)
end

-- In wrk's main thread.

local threads = 0
local first_due

function setup(thread)
  first_due = first_due or microseconds(MONOTONIC) + LEAD
  thread:set("start", first_due)
  thread:set("number", threads)
  threads = threads + 1
end

-- In each thread. What is not local there is kept from one call to the next.

function init(args)
  local seconds, rate, connections = tonumber(args[1]), tonumber(args[2]), tonumber(args[6])
  counters, keyed, file = tonumber(args[3]), args[4] == "keyed", args[5] .. "/" .. number
  if rate > 0 then
    interval = connections / rate * 1e6
    due = start + number / rate * 1e6
    finish = start + seconds * 1e6
  else
    interval = 0
    finish = microseconds(MONOTONIC) + seconds * 1e6
    delay = nil -- so that wrk sends the next request without asking, and with fewer calls of the system
  end
  math.randomseed(microseconds(REALTIME) % 2 ^ 31 + number)
  head = "POST " .. wrk.path .. "%d HTTP/1.1\r\nHost: " .. wrk.headers["Host"] .. "\r\nContent-Length: 0\r\n"
  known = {}
  log = io.open(file, "w")
  log:setvbuf("full", 65536)
  is_asked_for_a_sample = number == 0
  is_under_way = false
end

-- A UUIDv7: 48 bits of time in milliseconds, the rest random (RFC 9562, section 5.7).
local function key()
  local now = math.floor(microseconds(REALTIME) / 1e3)
  local random = math.random
  return string.format(
    "%08x-%04x-7%03x-%04x-%06x%06x",
    math.floor(now / 2 ^ 16), now % 2 ^ 16, random(0, 0xfff), random(0x8000, 0xbfff), random(0, 0xffffff),
    random(0, 0xffffff)
  )
end

local function write(ended, status, outcome)
  log:write(string.format("%d %d %d %d %d %s\n", last_due, sent, ended, status, last_counter, outcome))
  is_under_way = false
end

-- Milliseconds until the next request. wrk counts in no less, so that one may leave half of one early or late.
function delay()
  return math.max(0, math.floor((due - microseconds(MONOTONIC)) / 1e3 + 0.5))
end

function request()
  local counter = counters == 1 and 0 or math.random(0, counters - 1)
  local bytes = known[counter]
  if not bytes then
    bytes = string.format(head, counter)
    known[counter] = bytes
  end
  bytes = bytes .. (keyed and "Idempotency-Key: " .. key() .. "\r\n\r\n" or "\r\n")
  if is_asked_for_a_sample then
    is_asked_for_a_sample = false -- wrk looks at a request of the first thread before it connects, and sends it nowhere
    return bytes
  end
  local now = microseconds(MONOTONIC)
  if is_under_way then
    write(now, 0, "unknown") -- the connection has failed, and no answer has come
  end
  sent = now
  last_counter = counter
  if interval > 0 then
    last_due = due
    due = due + interval
  else
    last_due = now
  end
  is_under_way = true
  return bytes
end

function response(status, _, body)
  local now = microseconds(MONOTONIC)
  local outcome = "unknown"
  if status == 200 then
    outcome = "acknowledged"
  elseif body:find('"not-applied"', 1, true) then
    outcome = "refused" -- the service says so
  elseif status >= 400 and status < 500 and not body:find('"outcome"', 1, true) then
    outcome = "refused" -- nor does a client error change anything, unless it says that it may have
  end
  write(now, status, outcome)
  if (interval > 0 and due or now) >= finish then
    log:close()
    os.rename(file, file .. ".done")
    wrk.thread:stop()
  end
end
