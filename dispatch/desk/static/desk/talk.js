// The agent's messages: stored in this browser until they have arrived, and sent once.
(() => {
  const { $, $$, says, position, ask, refresh, play, wait } = window.desk;
  const talk = $("#conversation")?.dataset.conversation;
  const store = `outbox:${talk}`;
  const send = $("#composer")?.action;

  const forget = (chosen) => {
    const ours = Object.keys(localStorage).filter((key) => /^(draft|outbox):/.test(key));
    for (const key of ours) if (chosen(key)) localStorage.removeItem(key);
  };
  document.addEventListener("submit", ({ target }) => {
    if ("forget" in target.dataset) forget(() => true);
  });
  // Drafts of conversations that are no longer listed are deleted, for privacy.
  if ($("#conversations")) {
    forget((key) => !$(`#conversations [data-conversation="${key.split(":")[1]}"]`));
  }
  if (!talk) return;

  const uuid = () => "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (digit) =>
    (digit ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (digit / 4)))).toString(16));

  // The end of the thread stays in view, unless the agent has scrolled up to read
  let atEnd = true;
  const end = () => {
    if (!atEnd || !$("#thread li, #outbox li")) return;
    const box = $(".said-so-far");
    box.scrollTop = box.scrollHeight;
    scrollTo(0, document.documentElement.scrollHeight);
  };
  addEventListener("scroll", () => {
    const last = $("#outbox");
    if (last) atEnd = last.getBoundingClientRect().bottom < innerHeight + 60;
  }, { capture: true, passive: true });
  addEventListener("resize", end);

  // Messages being sent
  let outbox = JSON.parse(localStorage.getItem(store) ?? "[]");
  const bubble = ({ cid, text, failed }) => {
    const [item, words, state] = ["li", "p", "small"].map((name) => document.createElement(name));
    item.className = "pending";
    item.dataset.cid = cid;
    item.toggleAttribute("data-failed", Boolean(failed));
    words.className = "said";
    words.dir = "auto";
    words.textContent = text;
    state.textContent = failed ? says.failed : says.sending;
    item.append(words, state);
    return item;
  };
  const keep = (changed) => {
    outbox = changed;
    if (outbox.length) localStorage.setItem(store, JSON.stringify(outbox));
    else localStorage.removeItem(store);
    $("#outbox")?.replaceChildren(...outbox.map(bubble));
    end();
  };
  const without = (cid) => outbox.filter((message) => message.cid !== cid);
  const fail = (cid) => outbox.map((message) => ({ ...message, failed: message.failed || message.cid === cid }));
  const tell = (text) => {
    const place = $("#work .sending");
    if (place) place.textContent = text;
  };
  let delivering = false, hurry;
  const deliver = async () => {
    if (delivering) return;
    delivering = true;
    let tries = 0, next;
    while ((next = outbox.find((message) => !message.failed))) {
      const { cid, text } = next;
      const status = await ask(send, { ...position(), text, client_message_id: cid });
      if (status === 200) keep(without(cid));
      else if ([400, 404, 409, 410, 422].includes(status)) keep(fail(cid));
      else {
        tell(says.unsent);
        await new Promise((go) => { hurry = go; setTimeout(go, wait(tries++)); });
        continue;
      }
      if (status === 404) refresh();
      tell("");
      tries = 0;
    }
    delivering = false;
  };
  document.body.addEventListener("htmx:wsOpen", () => hurry?.());
  addEventListener("online", () => hurry?.());

  // Drafts
  const showUnsent = (fresh, texts) => {
    const place = $(".unsent", fresh);
    if (!place || !texts.length) return;
    $("blockquote", place).textContent = texts.join("\n\n");
    place.hidden = false;
  };
  const draft = (field) => `draft:${talk}:${field.form.action.split("/").pop()}`;
  const restore = () => {
    for (const field of $$("#work textarea")) field.value ||= localStorage.getItem(draft(field)) ?? "";
    const typed = localStorage.getItem(`draft:${talk}:messages`);
    if (typed && !$("#text")) showUnsent(document, [typed]);
  };
  document.addEventListener("input", ({ target }) => {
    if (!target.matches("#work textarea")) return;
    if (target.value) localStorage.setItem(draft(target), target.value);
    else localStorage.removeItem(draft(target));
  });

  // Writing
  document.addEventListener("submit", (event) => {
    if (event.target.id !== "composer") return;
    event.preventDefault();
    const { text, client_message_id: id } = event.target.elements;
    const words = text.value.trim();
    text.focus();
    if (!words) return;
    atEnd = true;
    keep([...outbox, { cid: id.value, text: words }]);
    [text.value, id.value] = ["", uuid()];
    localStorage.removeItem(draft(text));
    deliver();
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.id !== "text" || event.key !== "Enter") return;
    if (event.shiftKey || event.isComposing) return;
    event.preventDefault();
    event.target.form.requestSubmit();
  });

  // Incoming messages: none is shown twice, and no typed text is lost when the conversation ends
  document.addEventListener("htmx:oobBeforeSwap", ({ target, detail: { fragment } }) => {
    const typed = [$("#text")?.value.trim()].filter(Boolean);
    if (target.id === "thread") {
      const last = Number(target.lastElementChild?.dataset.seq ?? 0);
      for (const item of $$(".message", fragment)) if (Number(item.dataset.seq) <= last) item.remove();
    } else if (target.id === "work") showUnsent(fragment, typed);
    else if (target.id === "conversation") {
      // Two responses may each end the conversation: the result of the first stays.
      const shown = [$(".unsent:not([hidden]) blockquote", target)?.textContent].filter(Boolean);
      showUnsent(fragment, [...new Set([...shown, ...outbox.map(({ text }) => text), ...typed])]);
      forget((key) => key.includes(talk));
      outbox = [];
    }
  });
  const hear = ({ dataset: { cid, from } }) => {
    if (cid) keep(without(cid));
    else end();
    if (from === "customer" && document.hidden) play([520]);
  };
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) {
      for (const node of addedNodes) {
        if (node.matches?.(".message")) hear(node);
        if (node.id === "work") { restore(); end(); }
      }
    }
  }).observe($("#conversation").parentNode, { childList: true, subtree: true });

  restore();
  keep(outbox);
  deliver();
})();
