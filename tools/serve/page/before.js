// What the answer means, told before the first use, with what the model's card says (if the server
// shows it).
const $ = (id) => document.getElementById(id);
const KEY = "skincredible-read"; // the model that the reader has read about; nothing else is kept
let model = "any",
  begun = false;

const percent = (f) =>
  `${(100 * f.value).toFixed(0)} %` +
  (f.low === null || f.high === null
    ? ""
    : ` (${(100 * f.low).toFixed(0)} to ${(100 * f.high).toFixed(0)})`);

// Browsers may forbid it; then the text is shown each time.
function remembered() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function remember() {
  try {
    localStorage.setItem(KEY, model);
  } catch {
    // shown again the next time
  }
}

// The rest of the page waits until the text has been read.
function show(open) {
  $("before").hidden = !open;
  $("reread").hidden = open;
  document.body.classList.toggle("unread", open);
}

// `m`: the server's answer to v1/model. Another model than the one that was read about asks for the
// reader's attention again.
export function introduce(m) {
  const figures = m.card && m.card.figures,
    people = m.card && m.card.evaluation.people;
  model = m.card ? m.card.model.weights_sha256 : m.id;
  const accuracy = figures && figures.balanced_accuracy;
  $("before-figures").hidden = !accuracy || accuracy.value === null;
  if (!$("before-figures").hidden)
    $("before-figures").textContent =
      `How good it is: of ${people} people it had not seen, it judged ${percent(accuracy)} rightly, the mean of both classes, with the range that chance leaves open. Guessing gives 50 %.`;
  $("before-card").hidden = !m.card;
  if (m.card)
    $("before-limits").replaceChildren(
      ...m.card.limits.map((text) => {
        const li = document.createElement("li");
        li.textContent = text;
        return li;
      }),
    );
  if (begun) remember();
  else show(remembered() !== model);
}

$("begin").addEventListener("click", () => {
  begun = true;
  remember();
  show(false);
  $("files").focus();
});
$("reread").addEventListener("click", () => {
  show(true);
  $("begin").focus();
});
show(!remembered());
