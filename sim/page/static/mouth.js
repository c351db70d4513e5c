// The speaker: pieces are played one after the other, and all of them stop at once.

const AHEAD_S = 0.02;  // so that the first piece is not late

export class Mouth {
  constructor() { this.playing = new Set(); this.ends = 0; }

  open(context) { this.context = context; }

  say(rate, samples) {  // samples: Int16Array
    if (!this.context || !samples.length) return;
    const buffer = this.context.createBuffer(1, samples.length, rate);
    buffer.getChannelData(0).set(Float32Array.from(samples, (sample) => sample / 32768));
    const source = this.context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.context.destination);
    source.onended = () => this.playing.delete(source);
    this.ends = Math.max(this.ends, this.context.currentTime + AHEAD_S);
    source.start(this.ends);
    this.ends += buffer.duration;
    this.playing.add(source);
  }

  silence() {
    for (const source of this.playing) source.stop();
    this.playing.clear();
    this.ends = 0;
  }
}
