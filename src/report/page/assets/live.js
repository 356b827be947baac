"use strict";
// Follows a run: takes each event in, and leaves the reader where the reader is.
(() => {
  // A pointer that rests for so long reads nothing any more.
  const REST_MS = 10000;
  const LOOK_MS = 500;
  let later = null;
  let timer = 0;
  let isDown = false;
  let isOver = false;
  let moved = 0;

  // What has no name of its own is found again by its owner's, and by its place in it.
  const KINDS = ".wide, summary, a";
  const placeOf = (one) => {
    const owner = one.parentElement.closest("[id]");
    return [owner.id, [...owner.querySelectorAll(KINDS)].indexOf(one)];
  };
  const at = ([id, place]) => document.getElementById(id)?.querySelectorAll(KINDS)[place];

  function replace({ title, body, data }) {
    const page = document.getElementById("page");
    const open = [...page.querySelectorAll("details[open]")].map((one) => one.id);
    const aside = [...page.querySelectorAll(".wide")].filter((one) => one.scrollLeft > 0).map((one) => [placeOf(one), one.scrollLeft]);
    const own = document.activeElement?.closest("#page :is(.wide, summary, a)");
    const focus = own ? placeOf(own) : null;
    document.title = title;
    page.innerHTML = body;
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    plimsoll.drawAgain(data);
    for (const [place, left] of aside) at(place)?.scrollTo({ left, behavior: "instant" });
    if (focus) at(focus)?.focus({ preventScroll: true });
  }

  // Nobody loses the chart that is pointed at, or a part that is being marked.
  const isBusy = () => isDown || (isOver && performance.now() - moved < REST_MS);
  function settle() {
    clearTimeout(timer);
    if (later === null) return;
    if (isBusy()) { timer = setTimeout(settle, LOOK_MS); return; }
    const event = later;
    later = null;
    replace(event);
  }
  const note = (event) => {
    isDown = event.buttons > 0;
    isOver = Boolean(event.target.closest?.(".plot"));
    moved = performance.now();
  };
  for (const kind of ["pointerdown", "pointermove", "pointerup", "pointerover"]) addEventListener(kind, note, true);
  addEventListener("pointercancel", () => { isDown = isOver = false; }, true);
  document.documentElement.addEventListener("pointerleave", () => { isDown = isOver = false; });

  const lost = document.getElementById("lost");
  const source = new EventSource(document.body.dataset.live);
  source.addEventListener("open", () => { lost.hidden = true; });
  source.addEventListener("error", () => { lost.hidden = false; });
  source.addEventListener("message", (event) => { later = JSON.parse(event.data); settle(); });
  // After the last one nobody is there to be asked again.
  source.addEventListener("end", () => source.close());
})();
