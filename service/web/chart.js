/** A line chart as inline SVG: acknowledged and stored over time, and what is lost between them. */

const SVG = "http://www.w3.org/2000/svg";
const SIZE = 100; // of the drawing, in both directions; CSS stretches it

/**
 * Draw how a counter grew.
 *
 * @param {SVGElement} svg - what to draw into; its viewBox is 0 0 100 100
 * @param {Tally} tally - with its samples
 */
export function draw(svg, { samples, total }) {
  const end = Math.max(1, samples.at(-1).time);
  const line = (of) => samples.map((sample) => place(sample.time / end, of(sample) / total));
  const acknowledged = line((sample) => sample.acknowledged);
  const stored = line((sample) => sample.stored);
  // What is stored and not yet acknowledged is no loss.
  const confirmed = line((sample) => Math.min(sample.acknowledged, sample.stored));
  svg.replaceChildren(
    ...[0, 0.5, 1].map((share) => shape("polyline", "grid", [place(0, share), place(1, share)])),
    shape("polygon", "gap", [...acknowledged, ...confirmed.toReversed()]),
    shape("polyline", "acknowledged", acknowledged),
    shape("polyline", "stored", stored),
  );
}

function place(across, up) {
  return `${(across * SIZE).toFixed(2)},${((1 - up) * SIZE).toFixed(2)}`;
}

function shape(name, kind, points) {
  const element = document.createElementNS(SVG, name);
  element.setAttribute("class", kind);
  element.setAttribute("points", points.join(" "));
  return element;
}
