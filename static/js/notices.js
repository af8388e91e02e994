// The browser's own switch on the page of notices: asks for leave when somebody wants it, and not before.

import { gettext } from "./app.js";

class PushSwitch extends HTMLElement {
  async connectedCallback() {
    this.form = this.querySelector("form");
    this.words = this.querySelector("[data-words]");
    if (!("serviceWorker" in navigator && "PushManager" in window && "Notification" in window)) {
      return this.refuse(gettext("This browser cannot show notices. On an iPhone, add the site to the home screen first."));
    }
    if (Notification.permission === "denied") return this.refuse(this.denied);
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.allow();
    });
    const registration = await navigator.serviceWorker.getRegistration("/");
    const subscription = await registration?.pushManager.getSubscription();
    const row = [...document.querySelectorAll("[data-browser]")].find(
      (one) => one.dataset.browser === subscription?.endpoint,
    );
    if (!row) return;
    row.append(` (${gettext("this browser")})`);
    this.hidden = true;
  }

  get denied() {
    return gettext("You have blocked notices from this site. Allow them in the browser’s settings for it.");
  }

  /** Ask the person, then the browser's push service, then tell the site. */
  async allow() {
    const button = this.form.querySelector("button");
    button.disabled = true;
    try {
      if ((await Notification.requestPermission()) !== "granted") {
        if (Notification.permission === "denied") this.refuse(this.denied);
        return;
      }
      await navigator.serviceWorker.register(this.dataset.worker, { scope: "/" });
      const { pushManager } = await navigator.serviceWorker.ready;
      const subscription = await this.subscribe(pushManager);
      const { endpoint, keys } = subscription.toJSON();
      const { elements } = this.form;
      elements.endpoint.value = endpoint;
      elements.p256dh.value = keys.p256dh;
      elements.auth.value = keys.auth;
      this.form.submit();
    } catch (error) {
      console.info(error);
      this.say(gettext("The browser’s push service did not answer. Try again in a moment."));
    } finally {
      button.disabled = false;
    }
  }

  /** A subscription to a former key of the site gives way to one to this key. */
  async subscribe(pushManager) {
    const options = { userVisibleOnly: true, applicationServerKey: this.dataset.key };
    try {
      return await pushManager.subscribe(options);
    } catch (error) {
      const former = await pushManager.getSubscription();
      if (!former) throw error;
      await former.unsubscribe();
      return pushManager.subscribe(options);
    }
  }

  refuse(words) {
    this.form.hidden = true;
    this.say(words);
  }

  say(words) {
    this.words.textContent = words;
  }
}

customElements.define("push-switch", PushSwitch);
