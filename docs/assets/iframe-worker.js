/* A browser refuses workers to a page that is opened from disk. The search of the site needs one, so
   this class runs the script of a worker in a hidden frame. It is used from disk only. */
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(address) {
      super();
      this.waiting = [];
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.appendChild(frame);
      const inside = frame.contentWindow;
      inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      inside.importScripts = (...addresses) =>
        addresses.reduce((before, each) => before.then(() => load(each)), Promise.resolve());
      const load = (each) => new Promise((done, failed) => {
        const script = frame.contentDocument.createElement("script");
        script.src = new URL(each, new URL(address, location)).href;
        script.onload = done;
        script.onerror = failed;
        frame.contentDocument.body.appendChild(script);
      });
      this.deliver = (data) => inside.dispatchEvent(new MessageEvent("message", { data }));
      load(address).then(() => {
        this.waiting.forEach(this.deliver);
        this.waiting = null;
      });
    }

    postMessage(data) {
      if (this.waiting) this.waiting.push(data);
      else this.deliver(data);
    }

    terminate() {}
  };
}
