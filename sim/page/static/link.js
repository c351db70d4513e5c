// The WebSocket to the loop: JSON as text; sound and pictures as a kind, a 32-bit number and a body.

const SOUND = 1, FRAME = 2, SPEECH = 3;
const BACKLOG = 200000;  // bytes not yet sent, beyond which sound is left out: old sound is of no use

const CLOSED = {
  1009: "A message was too large.",
  4001: "The simulator did not accept this page.",
  4002: "The glasses are worn in another tab.",
  4003: "Another tab has put the glasses on.",
};

export class Link extends EventTarget {
  // Events: "message" (detail: the object), "speech" (detail: {rate, samples}), "closed" (detail: {code, why}).

  get open() { return this.socket?.readyState === WebSocket.OPEN; }

  connect(token, take) {
    const socket = new WebSocket(new URL("glasses", location.href.replace(/^http/, "ws")));
    socket.binaryType = "arraybuffer";
    socket.onopen = () => socket.send(JSON.stringify({ type: "hello", token, take }));
    socket.onmessage = (event) => this.#take(event.data);
    socket.onclose = (event) => {
      if (this.socket !== socket) return;
      this.socket = null;
      const why = CLOSED[event.code] ?? "The simulator has ended or cannot be reached.";
      this.dispatchEvent(new CustomEvent("closed", { detail: { code: event.code, reason: event.reason, why } }));
    };
    this.socket = socket;
  }

  close() { this.socket?.close(1000); }

  tell(type, fields = {}) {
    if (this.open) this.socket.send(JSON.stringify({ type, ...fields }));
  }

  sound(rate, samples) {  // samples: Int16Array
    if (this.open && this.socket.bufferedAmount < BACKLOG) this.socket.send(packed(SOUND, rate, samples.buffer));
  }

  frame(number, jpeg) {  // jpeg: ArrayBuffer
    if (this.open) this.socket.send(packed(FRAME, number, jpeg));
  }

  #take(data) {
    if (typeof data === "string") {
      this.dispatchEvent(new CustomEvent("message", { detail: JSON.parse(data) }));
      return;
    }
    const view = new DataView(data);
    if (view.getUint8(0) !== SPEECH) return;
    const detail = { rate: view.getUint32(1, true), samples: new Int16Array(data.slice(5)) };
    this.dispatchEvent(new CustomEvent("speech", { detail }));
  }
}

function packed(kind, number, body) {
  const message = new Uint8Array(5 + body.byteLength);
  const head = new DataView(message.buffer);
  head.setUint8(0, kind);
  head.setUint32(1, number, true);
  message.set(new Uint8Array(body), 5);
  return message;
}
