// Gathers the microphone into pieces of a fiftieth of a second, 16 bits a sample.

class Ear extends AudioWorkletProcessor {
  constructor() {
    super();
    this.piece = new Int16Array(Math.round(sampleRate / 50));
    this.filled = 0;
  }

  process([[channel]]) {
    if (!channel) return true;
    for (const sample of channel) {
      this.piece[this.filled++] = Math.max(-1, Math.min(1, sample)) * 32767;
      if (this.filled === this.piece.length) {
        const full = this.piece;
        this.piece = new Int16Array(full.length);
        this.filled = 0;
        this.port.postMessage(full, [full.buffer]);
      }
    }
    return true;
  }
}

registerProcessor("ear", Ear);
