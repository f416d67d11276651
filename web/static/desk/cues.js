// What is heard and read aloud: beeps, the page's title, and two live regions. Timers are never announced.
import { byId, stored, text } from "./dom.js";

const plain_title = document.title;
let sound = null;

// Browsers let a page sound once somebody has touched it.
function wake() {
  if (!sound) sound = new AudioContext();
  if (sound.state === "suspended") sound.resume();
}
addEventListener("pointerdown", wake, { passive: true });
addEventListener("keydown", wake, { passive: true });

export const is_quiet = () => Boolean(stored.get("quiet"));

function beep(hertz, at_s, length_s) {
  const tone = sound.createOscillator(), volume = sound.createGain();
  const from = sound.currentTime + at_s;
  tone.frequency.value = hertz;
  volume.gain.setValueAtTime(0, from);
  volume.gain.linearRampToValueAtTime(0.2, from + 0.01);
  volume.gain.setValueAtTime(0.2, from + length_s - 0.02);
  volume.gain.linearRampToValueAtTime(0, from + length_s);
  tone.connect(volume).connect(sound.destination);
  tone.start(from);
  tone.stop(from + length_s);
}

export const cues = { new_person: 0, gone: 0 };  // how many were given

export function new_person(name) {
  cues.new_person += 1;
  title(`● ${name}`);
  if (sound && !is_quiet()) beep(880, 0, 0.18);
}

export function gone() {
  cues.gone += 1;
  if (sound && !is_quiet()) { beep(520, 0, 0.14); beep(520, 0.24, 0.14); }
}

export function title(words) {
  document.title = words ? `${words} · Outring` : plain_title;
}

// Polite for states; assertive for what cannot wait.
export const tell = (words) => text(byId("say-polite"), words);
export const tell_now = (words) => text(byId("say-now"), words);
