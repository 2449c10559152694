// Times, numbers and codes as people read them.

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const precise = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 2 });
const gateway = new Intl.DateTimeFormat("en-GB", {
  timeZone: "Etc/GMT-3", // which is three hours ahead of UTC
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});
const universal = new Intl.DateTimeFormat("en-GB", {
  timeZone: "UTC",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});

/** `14:02`, or `3 Mar` when it was another day. */
export function shortTime(iso) {
  const moment = new Date(iso);
  return moment.toDateString() === new Date().toDateString() ? clock.format(moment) : day.format(moment);
}

export const minuteTime = (iso) => clock.format(new Date(iso));
export const fullTime = (iso) => `${day.format(new Date(iso))}, ${precise.format(new Date(iso))}`;
export const gatewayTime = (iso) => gateway.format(new Date(iso));
export const universalTime = (iso) => universal.format(new Date(iso));
export const dayName = (iso) => day.format(new Date(iso));
export const number = (value) => (typeof value === "number" ? whole.format(value) : String(value ?? "–"));

/** `1 point`, `2 points`. */
export function count(value, one, many = `${one}s`) {
  return `${number(value)} ${value === 1 ? one : many}`;
}

/** A phone number with the spaces of its country, where they are known; anything else as it is. */
export function phoneNumber(given) {
  const text = String(given);
  const kuwait = /^965(\d{4})(\d{4})$/.exec(text);
  if (kuwait) return `+965 ${kuwait[1]} ${kuwait[2]}`;
  return /^\d{9,15}$/.test(text) ? `+${text}` : text;
}

export const encodingName = (encoding) => (encoding === "gsm7" ? "GSM-7" : "Unicode");

const STATES = {
  queued: "Queued",
  sent: "Sent",
  stuck: "Stuck in the queue",
  delivered: "Delivered",
  failed: "Failed",
  expired: "Expired",
  blacklisted: "Blacklisted",
  "switched-off": "Phone switched off",
  deleted: "Deleted from the queue",
  refused: "Refused",
  cut: "Never reached the gateway",
};
export const stateName = (state) => STATES[state] ?? String(state);

/** Who a message went to, in few words. */
export function recipients(message) {
  return message.to.length === 1 ? phoneNumber(message.to[0]) : count(message.to.length, "number");
}
