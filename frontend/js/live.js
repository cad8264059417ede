// Follows [data-live]: a part of the page that the server draws anew whenever what it shows has moved. No WASM is needed.

const followed = new Map();

/** What a person opened or closed stays so, and a log that was read to its end shows the new end. */
function replace(box, html) {
  const kept = new Map([...box.querySelectorAll("details[id]")].map(({ id, open, dataset }) => [id, { open, state: dataset.state }]));
  const scrolled = new Map([...box.querySelectorAll(".log[id]")].map((log) => [log.id, log.scrollTop + log.clientHeight < log.scrollHeight - 4 ? log.scrollTop : null]));
  const focused = box.contains(document.activeElement) ? document.activeElement.closest("[id]")?.id : undefined;
  box.innerHTML = html;
  for (const details of box.querySelectorAll("details[id]")) {
    const before = kept.get(details.id);
    if (before && before.state === details.dataset.state) details.open = before.open;
  }
  for (const log of box.querySelectorAll(".log[id]")) log.scrollTop = scrolled.get(log.id) ?? log.scrollHeight;
  if (focused) document.getElementById(focused)?.querySelector("summary, a, button")?.focus({ preventScroll: true });
}

function follow(box) {
  const source = new EventSource(box.dataset.live);
  source.onmessage = ({ data }) => replace(box, JSON.parse(data));
  source.addEventListener("end", () => source.close());
  followed.set(box, source);
}

/** Parts that came are followed, parts that went are let go. */
export function sweepLive() {
  for (const [box, source] of followed) {
    if (box.isConnected) continue;
    source.close();
    followed.delete(box);
  }
  for (const box of document.querySelectorAll("[data-live]")) if (!followed.has(box)) follow(box);
}

// A task that is pointed at from the picture or the line of time opens.
document.addEventListener("click", ({ target }) => {
  const link = target.closest?.('a[href^="#task-"]');
  const task = link && document.getElementById(link.getAttribute("href").slice(1));
  if (task) task.open = true;
});
