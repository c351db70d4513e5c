// What the glasses look at: the browser's camera, or pictures and videos that stay in the browser but for the frames asked for.

const LONGEST = 640;  // pixels of a frame's longer side, as a glasses camera gives
const QUALITY = 0.85;
const KEPT = 64;

export class Eye {
  constructor(video, image) {
    this.video = video;
    this.image = image;
    this.canvas = document.createElement("canvas");
    this.files = [];
    this.index = 0;
    this.number = 0;
    this.frames = new Map();  // number: Blob
    this.source = null;  // "camera", "picture" or "video"
  }

  async useCamera() {
    // Throws as getUserMedia does.
    const stream = await navigator.mediaDevices.getUserMedia({
      video: { width: { ideal: 640 }, height: { ideal: 480 }, facingMode: "environment" },
    });
    this.release();
    this.stream = stream;
    this.video.srcObject = stream;
    this.video.loop = false;
    await this.video.play();
    this.#show("camera");
    return stream.getVideoTracks()[0];
  }

  async useFiles(files) {
    // Resolves to a sentence about what is wrong, or "".
    const known = [...files].filter((file) => /^(image|video)\//.test(file.type));
    if (!known.length) return "There is no picture and no video in that.";
    known.sort((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }));
    return this.#open(known, 0);
  }

  async step(by) {
    return this.#open(this.files, (this.index + by + this.files.length) % this.files.length);
  }

  get name() { return this.source === "camera" ? "camera" : this.files[this.index]?.name ?? ""; }

  async #open(files, index) {
    const file = files[index], url = URL.createObjectURL(file), isVideo = file.type.startsWith("video/");
    try {
      if (isVideo) {
        this.release();
        this.video.src = url;
        this.video.loop = true;
        await this.video.play();
      } else {
        await decoded(url);
        this.release();
        this.image.src = url;
        await this.image.decode();
      }
    } catch {
      URL.revokeObjectURL(url);
      return `${file.name} cannot be read; use a JPEG, PNG or WebP picture, or an MP4 or WebM video.`;
    }
    this.url = url;
    this.files = files;
    this.index = index;
    this.#show(isVideo ? "video" : "picture");
    return "";
  }

  release() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.video.pause();
    this.video.srcObject = null;
    this.video.removeAttribute("src");
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = null;
    this.source = null;
    this.video.hidden = this.image.hidden = true;
  }

  #show(source) {
    this.source = source;
    this.video.hidden = source === "picture";
    this.image.hidden = source !== "picture";
  }

  async frame() {
    // The frame of this moment as {number, jpeg}, or null where nothing is looked at.
    const from = this.source === "picture" ? this.image : this.video;
    const width = from.naturalWidth ?? from.videoWidth, height = from.naturalHeight ?? from.videoHeight;
    if (!this.source || !width || !height) return null;
    const scale = Math.min(1, LONGEST / Math.max(width, height));
    this.canvas.width = Math.max(1, Math.round(width * scale));
    this.canvas.height = Math.max(1, Math.round(height * scale));
    this.canvas.getContext("2d").drawImage(from, 0, 0, this.canvas.width, this.canvas.height);
    const blob = await new Promise((resolve) => this.canvas.toBlob(resolve, "image/jpeg", QUALITY));
    if (!blob) return null;
    this.number = (this.number + 1) % 2 ** 32;
    this.frames.set(this.number, blob);
    if (this.frames.size > KEPT) this.frames.delete(this.frames.keys().next().value);
    return { number: this.number, jpeg: await blob.arrayBuffer() };
  }

  picture(number) { return this.frames.get(number) ?? null; }
}

async function decoded(url) {
  const probe = new Image();
  probe.src = url;
  await probe.decode();
}

export async function filesOf(transfer) {
  // All files dropped, those in folders too.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files];
  return (await Promise.all(entries.map(within))).flat();
}

async function within(entry) {
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const reader = entry.createReader(), found = [];
  for (;;) {  // a folder is read in portions
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) break;
    found.push(...some);
  }
  return (await Promise.all(found.map(within))).flat();
}
