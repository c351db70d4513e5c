// Wires the page: sensors to the link, what comes back to what is shown.

import { Ear } from "./ear.js";
import { Eye, filesOf } from "./eye.js";
import { Link } from "./link.js";
import { Mouth } from "./mouth.js";
import { boxesOf, element, showEvidence, showReceipt, showTimeline } from "./turn.js";

const $ = (id) => document.getElementById(id);
const link = new Link(), mouth = new Mouth(), eye = new Eye($("camera"), $("still"));
const ear = new Ear((rate, samples) => { if (!muted) link.sound(rate, samples); });
const TURNS = 50;  // of the conversation that are kept on the page
let context = null, muted = false, closed = false, micTrouble = "", cameraTrouble = "", worn = false, token = "", turnPicture = null;

// Putting on and taking off.

async function putOn(take = false) {
  say("");
  context ??= new AudioContext();
  await context.resume();
  mouth.open(context);
  link.connect(token, take);
}

function takeOff() {
  link.close();
  ear.close();
  mouth.silence();
  show(false);
}

link.addEventListener("closed", ({ detail: { code, reason, why } }) => {
  ear.close();
  mouth.silence();
  show(false);
  if (code === 4001 && reason === "token") {
    if (token) say("That was not the token.");
    token = "";
    $("ask-token").showModal();
  } else if (code === 4002) {
    say(`${why} Press Put on again to take them over.`);
    $("put-on").dataset.take = "yes";
  } else if (code !== 1000) {
    say(why);
  }
});

async function openSensors() {
  if (!navigator.mediaDevices) {
    micTrouble = "Browsers give a microphone to pages from localhost or over https only.";
  } else {
    const asked = setTimeout(() => say("The browser asks whether the microphone may be used; allow it."), 3000);
    try {
      const track = await ear.open(context);
      micTrouble = "";
      track.onended = () => { micTrouble = "The microphone was unplugged."; tellMicrophone(); };
    } catch (error) {
      micTrouble = `The browser gives no microphone: ${inWords(error)}`;
    } finally {
      clearTimeout(asked);
    }
  }
  tellMicrophone();
  if (!eye.source) await useCamera();
  tellCamera();
}

async function useCamera() {
  cameraTrouble = "";
  try {
    if (!navigator.mediaDevices) throw new DOMException("", "SecurityError");
    const track = await eye.useCamera();
    track.onended = () => { eye.release(); tellCamera(); showSource(); };
  } catch (error) {
    cameraTrouble = `The browser gives no camera: ${inWords(error)} Open a picture or a video instead.`;
  }
  showSource();
  tellCamera();
}

function inWords(error) {
  const known = {
    NotAllowedError: "permission was denied. Allow it in the address bar and put the glasses on again.",
    NotFoundError: "there is none.",
    NotReadableError: "another program uses it.",
    SecurityError: "the page is neither from localhost nor over https.",
  };
  return known[error.name] ?? error.message;
}

function tellCamera() {
  const on = Boolean(eye.source) && !closed && !$("fault-camera").checked;
  const why = closed ? "The shutter is closed." : $("fault-camera").checked ? "The camera is broken." : cameraTrouble || "The page looks at nothing; choose a camera, a picture or a video.";
  showTrouble();
  link.tell("sensor", { name: "camera", on, why: on ? "" : why });
}

function tellMicrophone() {
  const why = muted ? "The microphone is off." : micTrouble;
  showTrouble();
  link.tell("sensor", { name: "microphone", on: !why, why });
}

// What comes back.

link.addEventListener("speech", ({ detail: { rate, samples } }) => mouth.say(rate, samples));

link.addEventListener("message", ({ detail: message }) => {
  const shown = {
    welcome: () => {
      show(true);
      $("state").textContent = message.state;
      if (message.hint) $("hint").textContent = message.hint;
      $("about").textContent = message.about ?? "";
      setGauges(message.battery, message.celsius);
      openSensors();
    },
    state: () => {
      $("state").textContent = message.text;
      if (message.text === "listening") { say(""); $("evidence-shown").replaceChildren(); }
      if (message.text === "asleep") $("forming").textContent = "";
    },
    light: () => { $("led").className = `led ${message.colour}`; },
    cards: () => {
      $("cards").replaceChildren(...message.cards.map(({ title, text }) => {
        const card = element("div", { className: "card" });
        card.append(element("b", { textContent: title }), text);
        return card;
      }));
      $("display").hidden &&= !message.cards.length;
      $("screen").src = message.screen;
      $("screen").alt = message.cards.length ? "Display of the glasses; it says what the cards say" : "The display of the glasses is dark";
    },
    card: () => { $("card").innerHTML = message.html; },  // escaped where it is made, and no script runs in it
    partial: () => { $("forming").textContent = `You: ${message.text}`; },
    transcript: () => { $("forming").textContent = `You: ${message.text}`; },
    saying: () => { $("forming").textContent = `Glint: ${message.text}`; },
    command: () => { $("forming").textContent = `Done: ${message.text.replaceAll("_", " ")}`; },
    note: () => say(message.text),
    refused: () => say(message.text),
    silence: () => mouth.silence(),
    look: sendFrame,
    turn: () => showTurn(message),
    gauges: () => { if (performance.now() > dragging) setGauges(message.battery, message.celsius); },
  };
  shown[message.type]?.();
});

async function sendFrame() {
  const frame = await eye.frame();
  if (frame) link.frame(frame.number, frame.jpeg);
}

function showTurn({ turn, frame, spans, ahead }) {
  const item = element("li");
  if (turn.transcript) item.append(element("span", { className: "said", textContent: turn.transcript }));
  item.append(element("span", { className: "answered", textContent: turn.answer }));
  const list = $("conversation");
  list.append(item);
  while (list.children.length > TURNS) list.firstChild.remove();
  list.scrollTop = list.scrollHeight;
  $("forming").textContent = "";
  $("no-turn").hidden = true;
  $("turn").hidden = false;
  showTimeline($("timeline"), spans);
  $("ahead").textContent = Object.keys(ahead).length
    ? `Done while you were still asking: ${Object.entries(ahead).map(([name, ms]) => `${name} the picture, ${Math.round(ms)} ms`).join("; ")}.`
    : "";
  const picture = eye.picture(frame);
  $("evidence").hidden = !picture;
  if (picture) {
    URL.revokeObjectURL(turnPicture);
    turnPicture = URL.createObjectURL(picture);
    $("evidence-picture").src = turnPicture;
    showEvidence($("evidence-list"), $("evidence-boxes"), turn.evidence);
    if (eye.name !== "camera") $("evidence-shown").replaceChildren(...placedOnView(turn.evidence));
  }
  if (turn.receipt) showReceipt($("receipt"), turn.receipt);
}

function placedOnView(evidence) {
  // The picture fills the view in one direction only.
  const [width, height] = [$("still").naturalWidth || $("camera").videoWidth, $("still").naturalHeight || $("camera").videoHeight];
  const wide = Math.min(1, (width / height) / (4 / 3)), high = Math.min(1, (height / width) * (4 / 3));
  const area = element("div");
  Object.assign(area.style, { position: "absolute", width: `${100 * wide}%`, height: `${100 * high}%`, left: `${50 - 50 * wide}%`, top: `${50 - 50 * high}%` });
  area.append(...boxesOf(evidence));
  return [area];
}

// What is shown of the page itself.

function say(text) { $("note").textContent = text; }

function showTrouble() {
  $("trouble").textContent = worn ? [micTrouble, eye.source ? "" : cameraTrouble].filter(Boolean).join(" ") : "";
}

function show(on) {
  worn = on;
  $("put-on").textContent = on ? "Take off" : "Put on";
  delete $("put-on").dataset.take;
  for (const id of ["wake", "talk", "shutter", "mute", "typed", "say", "battery", "celsius", "fault-camera", "fault-radio"]) $(id).disabled = !on;
  showTrouble();
  if (!on) {
    $("state").textContent = "not worn";
    $("led").className = "led off";
    $("cards").replaceChildren();
    $("card").replaceChildren();
    $("display").hidden = true;
    $("fault-radio").checked = false;
  }
}

function showSource() {
  const several = eye.files.length > 1 && eye.source !== "camera";
  $("previous").hidden = $("next").hidden = !several;
  $("nothing").hidden = Boolean(eye.source);
  $("source").textContent = eye.source ? (several ? `${eye.name}, ${eye.index + 1} of ${eye.files.length}` : eye.name) : "";
  $("evidence-shown").replaceChildren();
}

async function useFiles(files) {
  if (!files.length) return;
  say(await eye.useFiles(files));
  showSource();
  tellCamera();
}

async function step(by) {
  say(await eye.step(by));
  showSource();
}

// Controls.

$("put-on").onclick = () => (worn ? takeOff() : putOn($("put-on").dataset.take === "yes"));
$("ask-token").addEventListener("close", () => { token = $("token").value; $("token").value = ""; if (token) putOn(); });
$("wake").onclick = () => link.tell("press");
$("use-camera").onclick = useCamera;
$("previous").onclick = () => step(-1);
$("next").onclick = () => step(1);
for (const id of ["pick", "pick-folder"]) $(id).onchange = async (event) => { await useFiles(event.target.files); event.target.value = ""; };

let talking = false;
function talk(on) {
  if (on === talking || (on && !worn)) return;
  talking = on;
  $("talk").classList.toggle("held", on);
  if (on) { mouth.silence(); link.tell("press"); }
  link.tell("hold", { on });
}
$("talk").onpointerdown = (event) => { $("talk").setPointerCapture(event.pointerId); talk(true); };
$("talk").onpointerup = $("talk").onpointercancel = () => talk(false);
$("talk").onkeydown = (event) => { if ([" ", "Enter"].includes(event.key) && !event.repeat) { event.preventDefault(); talk(true); } };
$("talk").onkeyup = (event) => { if ([" ", "Enter"].includes(event.key)) talk(false); };
$("talk").onblur = () => talk(false);

$("type").onsubmit = (event) => {
  event.preventDefault();
  const text = $("typed").value.trim();
  if (!text) return;
  $("typed").value = "";
  mouth.silence();
  link.tell("say", { text });
};

$("shutter").onclick = () => {
  closed = !closed;
  $("shutter").setAttribute("aria-pressed", closed);
  $("shutter-shown").hidden = !closed;
  tellCamera();
};
$("mute").onclick = () => {
  muted = !muted;
  $("mute").setAttribute("aria-pressed", muted);
  tellMicrophone();
};
$("fault-camera").onchange = tellCamera;
$("fault-radio").onchange = (event) => {
  link.tell("fault", { name: "radio", on: event.target.checked });
  if (!event.target.checked) { tellMicrophone(); tellCamera(); }
};

let dragging = 0;  // until when what the simulator says of the gauges is not shown
function sendGauges() {
  dragging = performance.now() + 1500;
  setGauges(Number($("battery").value) / 100, Number($("celsius").value));
  link.tell("gauges", { battery: Number($("battery").value) / 100, celsius: Number($("celsius").value) });
}
function setGauges(battery, celsius) {
  $("battery").value = 100 * battery;
  $("celsius").value = celsius;
  $("battery-value").textContent = $("battery-shown").textContent = `${Math.round(100 * battery)} %`;
  $("celsius-value").textContent = `${Math.round(celsius)} °C`;
}
$("battery").oninput = $("celsius").oninput = sendGauges;

const view = $("view");
view.ondragover = (event) => { event.preventDefault(); view.classList.add("over"); };
view.ondragleave = () => view.classList.remove("over");
view.ondrop = async (event) => {
  event.preventDefault();
  view.classList.remove("over");
  await useFiles(await filesOf(event.dataTransfer));
};
// A file dropped beside the view must not replace the page.
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => event.preventDefault());

const keys = { w: () => $("wake").click(), s: () => $("shutter").click(), m: () => $("mute").click() };
document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea")) return;
  if (event.key.toLowerCase() === "t") talk(true);
  else keys[event.key.toLowerCase()]?.();
});
document.addEventListener("keyup", (event) => { if (event.key.toLowerCase() === "t") talk(false); });
show(false);
showSource();
