// The message framing of the Language Server Protocol.

/** The bytes of a message. */
export function frame(message) {
  const text = JSON.stringify(message);
  return `Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}

/** Splits received bytes into messages. */
export class Frames {
  #bytes = Buffer.alloc(0);

  constructor(onMessage) {
    this.onMessage = onMessage;
  }

  push(bytes) {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    for (;;) {
      const head = this.#bytes.indexOf("\r\n\r\n");
      if (head < 0) return;
      const length = Number(/Content-Length: *(\d+)/i.exec(this.#bytes.toString("latin1", 0, head))[1]);
      const end = head + 4 + length;
      if (this.#bytes.length < end) return;
      const message = JSON.parse(this.#bytes.toString("utf8", head + 4, end));
      this.#bytes = this.#bytes.subarray(end);
      this.onMessage(message);
    }
  }
}
