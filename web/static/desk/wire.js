// The connection: asks with answers, news as they come, and coming back by itself. Calls do not depend on it.
const FIRST_RETRY_MS = 300, LONGEST_RETRY_MS = 5000, SILENT_MS = 4000, ANSWER_MS = 15000;
const SIGNED_OUT = 4401, ELSEWHERE = 4409;

export class Refused extends Error {
  constructor(words, more = {}) {
    super(words);
    Object.assign(this, more);
  }
}

export class Wire {
  // hooks: news(message), up(), down(), elsewhere()
  constructor(hooks) {
    this.hooks = hooks;
    this.waiting = new Map();
    this.next = 1;
    this.is_up = false;
    this.retry_ms = FIRST_RETRY_MS;
    this.tab = sessionStorage.getItem("outring.tab") ?? crypto.getRandomValues(new Uint32Array(2)).join("-");
    sessionStorage.setItem("outring.tab", this.tab);
    setInterval(() => this.check(), 500);
    addEventListener("online", () => { this.retry_ms = FIRST_RETRY_MS; if (this.is_waiting) this.connect(); });
    addEventListener("pagehide", () => { this.is_leaving = true; });
  }

  connect({ take = false } = {}) {
    clearTimeout(this.timer);
    this.is_waiting = this.is_elsewhere = false;
    const address = new URL("/desk/live", location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    address.searchParams.set("tab", this.tab);
    if (take) address.searchParams.set("take", "1");
    const socket = this.socket = new WebSocket(address);
    this.heard_at = performance.now();
    socket.onmessage = (event) => { if (socket === this.socket) this.hear(JSON.parse(event.data)); };
    socket.onclose = (event) => { if (socket === this.socket) this.closed(event.code); };
  }

  hear(message) {
    this.heard_at = performance.now();
    if (!this.is_up) {
      this.is_up = true;
      this.retry_ms = FIRST_RETRY_MS;
      this.is_fresh = true;
    }
    this.hooks.news(message, this.is_fresh);
    for (const one of message.told ?? []) if ("re" in one) this.answered(one);
    if (this.is_fresh) {
      this.is_fresh = false;
      this.hooks.up();
    }
  }

  answered({ re, no, ...found }) {
    const asked = this.waiting.get(re);
    this.waiting.delete(re);
    if (!asked) return;
    clearTimeout(asked.timer);
    if (no === undefined) asked.resolve(found);
    else asked.reject(new Refused(no, found));
  }

  closed(code) {
    if (this.is_leaving) return;
    this.fail();
    if (code === SIGNED_OUT) { location.reload(); return; }
    if (code === ELSEWHERE) { this.is_elsewhere = true; this.hooks.elsewhere(); return; }
    this.hooks.down();
    this.is_waiting = true;
    this.timer = setTimeout(() => this.connect(), this.retry_ms * (0.75 + Math.random() / 2));
    this.retry_ms = Math.min(2 * this.retry_ms, LONGEST_RETRY_MS);
  }

  // A connection that hangs without closing is given up as well.
  check() {
    if (this.is_waiting || this.is_elsewhere || performance.now() - this.heard_at < SILENT_MS) return;
    const hung = this.socket;
    this.socket = null;
    hung.close();
    this.closed(0);
  }

  fail() {
    this.is_up = false;
    for (const { reject, timer } of this.waiting.values()) {
      clearTimeout(timer);
      reject(new Refused("", { is_lost: true }));
    }
    this.waiting.clear();
  }

  ask(what, body = {}) {
    if (!this.is_up || this.socket?.readyState !== WebSocket.OPEN) return Promise.reject(new Refused("", { is_lost: true }));
    const ref = this.next++;
    this.socket.send(JSON.stringify({ ask: what, ref, ...body }));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting.delete(ref);
        reject(new Refused("", { is_lost: true }));
      }, ANSWER_MS);
      this.waiting.set(ref, { resolve, reject, timer });
    });
  }
}
