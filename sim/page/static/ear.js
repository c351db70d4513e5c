// The microphone: the browser's, without what the browser itself plays.

export class Ear {
  constructor(onSound) { this.onSound = onSound; }  // (samples a second, Int16Array)

  async open(context) {
    // Throws as getUserMedia does.
    this.stream = await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: true, noiseSuppression: false, autoGainControl: false, channelCount: 1 },
    });
    await context.audioWorklet.addModule(new URL("ear-worklet.js", import.meta.url));
    this.source = context.createMediaStreamSource(this.stream);
    this.node = new AudioWorkletNode(context, "ear", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
    this.node.port.onmessage = (event) => this.onSound(context.sampleRate, event.data);
    this.source.connect(this.node);
    return this.stream.getAudioTracks()[0];
  }

  close() {
    this.source?.disconnect();
    this.node?.port.close();
    this.stream?.getTracks().forEach((track) => track.stop());
    this.source = this.node = this.stream = null;
  }
}
