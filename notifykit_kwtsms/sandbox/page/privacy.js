// Numbers and codes made unreadable for a screen that others see. The style sheet does it; this is the switch.

import { say } from "./announce.js";
import { get, put } from "./settings.js";

export function toggleBlur() {
  put("blur", !get("blur"));
  say(get("blur") ? "Numbers and codes are blurred" : "Numbers and codes can be read");
}
