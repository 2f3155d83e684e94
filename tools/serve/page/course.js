// How the estimate moved with each photo: a line from the first photo that was used to the last.
const $ = (id) => document.getElementById(id);
const LEFT = 52,
  RIGHT = 624,
  TOP = 14,
  BOTTOM = 200;

const percent = (p) => `${Math.round(100 * p)} %`;

function element(name, attributes, text) {
  const e = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  if (text !== undefined) e.textContent = text;
  return e;
}

const y = (p) => BOTTOM - (BOTTOM - TOP) * p;

function grid() {
  return [0, 0.25, 0.5, 0.75, 1].flatMap((p) => [
    element("line", {
      x1: LEFT,
      x2: RIGHT,
      y1: y(p),
      y2: y(p),
      class: p === 0.5 ? "half" : "grid",
    }),
    element("text", { x: LEFT - 8, y: y(p) + 4, "text-anchor": "end" }, percent(p)),
  ]);
}

// From which photo on the estimate stays on the side of 50 % on which it ends; as a place in the
// list.
function settled(course) {
  const better = course[course.length - 1].probability_improved > 0.5;
  let from = course.length - 1;
  while (from > 0 && course[from - 1].probability_improved > 0.5 === better) from--;
  return from;
}

function inWords(course, place) {
  const first = course[0],
    last = course[course.length - 1],
    from = settled(course);
  const side = last.probability_improved > 0.5 ? "better" : "worse";
  return (
    `With the first photo alone the model said ${percent(first.probability_improved)} better, with all of them ${percent(last.probability_improved)}. ` +
    (from === 0
      ? `It pointed to ${side} all the time.`
      : `From photo ${place(course[from])} on it pointed to ${side}` +
        (from > course.length - 3 ? ": that is late, so more photos could change it." : "."))
  );
}

// `a`: the answer. Photos are numbered as they were judged.
export function showCourse(a) {
  const course = a.course,
    enough = course && course.length > 1;
  $("course").hidden = !enough;
  if (!enough) return;
  const place = (c) => a.photos.findIndex((f) => f.index === c.index) + 1;
  const x = (k) => LEFT + 12 + ((RIGHT - LEFT - 24) * k) / (course.length - 1),
    every = Math.ceil(course.length / 15);
  const points = course.map((c, k) => [x(k), y(c.probability_improved)]);
  $("course-text").textContent = inWords(course, place);
  $("course-plot").replaceChildren(
    ...grid(),
    element("polyline", {
      class: "line",
      points: points.map((p) => p.map((v) => v.toFixed(1)).join(",")).join(" "),
    }),
    ...points.map(([px, py], k) =>
      element("circle", {
        class: course[k].probability_improved > 0.5 ? "better" : "worse",
        cx: px.toFixed(1),
        cy: py.toFixed(1),
        r: 5,
      }),
    ),
    ...course.flatMap((c, k) =>
      k % every && k !== course.length - 1
        ? []
        : [
            element(
              "text",
              { x: x(k).toFixed(1), y: BOTTOM + 18, "text-anchor": "middle" },
              place(c),
            ),
          ],
    ),
    element(
      "text",
      { x: (LEFT + RIGHT) / 2, y: BOTTOM + 36, "text-anchor": "middle" },
      "photos seen, by number",
    ),
  );
}
