// The one live region of the page. What comes quickly is gathered and said once.

const GATHER = 1500;

let region = null;
let arrived = 0;
let timer = 0;

/** Says something politely, now. */
export function say(words) {
  region ??= document.getElementById("announcer");
  // The same words twice are only read twice if the region was empty in between.
  region.textContent = "";
  requestAnimationFrame(() => {
    region.textContent = words;
  });
}

/** Notes new messages; a screen reader hears of all of them in one sentence. */
export function sayArrived(count) {
  arrived += count;
  if (timer || !arrived) return;
  timer = setTimeout(() => {
    say(arrived === 1 ? "1 new message" : `${arrived} new messages`);
    arrived = 0;
    timer = 0;
  }, GATHER);
}
