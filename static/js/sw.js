// The service worker: shows a notice that the site pushed, and opens its page. It keeps no pages and
// answers no requests. The words come with the message, in the language of its owner.

self.addEventListener("push", (event) => {
  const { title, body, path, tag } = event.data.json();
  // A second notice about the same thing takes the place of the first.
  event.waitUntil(self.registration.showNotification(title, { body, tag, data: { path } }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(new URL(event.notification.data.path, self.location.origin)));
});

/** Go to a page of ours: in the tab that shows it already, else in a new one. */
async function open(url) {
  if (url.origin !== self.location.origin) return;
  const tabs = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const tab = tabs.find((one) => one.url === url.href);
  await (tab ? tab.focus() : self.clients.openWindow(url));
}
