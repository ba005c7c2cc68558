/**
 * The script on every page: one view per page shown, heartbeats while it is visible, a leave.
 *
 * It must be silent on every path: nothing is thrown, logged or rejected, whatever the browser
 * lacks and the tracker answers. Every byte counts (`build.mjs`), hence one state and few
 * functions. What is measured by looking at the layout, and all that can wait, is in `extras.js`.
 *
 * **What is a page** is what its meta says, and instant navigation replaces the meta together with
 * the rest. It is looked at at least twice a second and whenever the reader does something, so before what
 * leads to the next page; not when the history changes, which happens before the page is there
 * and for anchors and scroll offsets too. It needs nothing of the theme and patches nothing.
 *
 * **Who speaks.** The tabs of a browser share a visitor, so one of them speaks: the one opened,
 * shown or used last. It says so at each look on a channel, and whoever hears it is quiet, until
 * it has heard nothing for 1.4 seconds: closed, hidden, frozen and crashed are all the same.
 *
 * `extras.js` finds `send` on `document`, and leaves there as `x` what is to be called at each look.
 *
 * A `try` around everything is also the scope of all names, for fewer bytes than a function. Where
 * the order of things is free, as of declarations and keys, it is the one that packs best.
 */

try {
  // Null, hence caught, in a bundle of the site's own: there are no settings to read.
  const { src: address, dataset: data } = /** @type {HTMLScriptElement} */ (document.currentScript);

  /** Name of the meta, of what `localStorage` keeps, of the channel, and of us on `document`. */
  const KEY = 'mkdocs-stats';

  /** @type {string | undefined} */
  let session;
  /** When another tab was last heard; no number when this one has been used since. @type {any} */
  let heardAt;
  /** When the last message was sent. @type {number | undefined} */
  let sentAt;
  /** This page load, with the keys of a message: one that is not counted has no id. @type {Page} */
  let page = /** @type {any} */ ({});
  /** @type {number | undefined} */
  let inputAt;
  /** Whether the tracker took what was sent last. @type {boolean | 0} */
  let answered;
  /** Milliseconds from the last message to the next heartbeat. @type {number} */
  let pause;
  /** The time of the last look, by a clock that nobody sets. @type {number} */
  let now;
  /** When the page was last seen visible; nothing while it is hidden. @type {number | false} */
  let seenAt;
  /** Open while the page is shown: an open one keeps it out of the back/forward cache. @type {any} */
  let channel;

  /**
   * Up to a fifth more, so that tabs opened or left together do not speak together; never less, so
   * that no minute has a third heartbeat.
   *
   * @param {number} delay
   */
  const jitter = (delay) => delay + (delay * Math.random()) / 5;

  /** @type {Send} */
  const send = async (t, details) => {
    try {
      if (
        navigator.globalPrivacyControl ||
        // Empty, hence false, where the attribute is present.
        (data.dnt ?? /** @type {any} */ (navigator.doNotTrack) > 0) ||
        localStorage[KEY + '-off']
      ) {
        return;
      }
      // `crypto.randomUUID` is missing on plain http; the address of a Blob ends in one everywhere.
      if (!data.visitor) session = localStorage[KEY] ||= URL.createObjectURL(new Blob()).slice(-36);
    } catch {} // No storage, or a full one: without an id the tracker derives one for the day.
    try {
      const body = JSON.stringify({ t, s: session, ...page, ...details });
      // Leave and event, which have five letters, wait for no answer.
      if (t[4] && navigator.sendBeacon?.(data.tracker + '/api/collect', body)) return;
      sentAt = now;
      answered = 0;
      pause = jitter(/** @type {any} */ (data.heartbeat) * 1e3 || 3e4);
      // A string is sent as text/plain, which needs no preflight.
      const answer = await fetch(data.tracker + '/api/collect', {
        keepalive: /** @type {any} */ (1),
        method: 'POST',
        body,
      });
      // Each character of a busy tracker's answer doubles it, two at most.
      pause *= 2 ** (await answer.text()).slice(0, 2).length;
      answered = answer.ok;
    } catch {}
  };

  /**
   * See what is shown and for how long, and say so.
   *
   * @param {any} [speaks] whether to tell other tabs too
   */
  const look = (speaks) => {
    now = Math.round(performance.now());
    // A laptop that slept, or a page that hung, adds no more than these 5 seconds.
    const passed = seenAt && Math.min(now - seenAt, 5e3);
    page.a += /** @type {any} */ (now - /** @type {number} */ (inputAt) < 6e4 && passed);
    page.v += /** @type {number} */ (passed);
    // A tab in the background is not read, and a prerendered page, hidden too, may never be.
    if ((seenAt = !document.hidden && now)) {
      const p =
        /** @type {any} */ (document.head.children)[KEY]?.content ??
        location.pathname.replace(new URL('../..', address).pathname, '/');
      if (p != page.p) {
        const o = page.l && page;
        // Neither nothing, which is that of a page not to be counted, nor 404, which is the extras'.
        page = { v: 0, p, a: 0, l: isNaN(p) && jitter(9e17) + '' };
        if (page.l) {
          send('view', {
            // Of several versions of the documentation this one is told by where the script is.
            k: data.v && address,
            // The first message's only: under instant navigation it stays what it was. A long one
            // would make the message too long, and only the host is kept.
            r: !sentAt && document.referrer.slice(0, 512),
            // The address's query, where a campaign is in it; nothing of another one is sent.
            q: /** @type {any} */ (location.search.match('utm_'))?.input.slice(0, 512),
            z: Intl.DateTimeFormat().resolvedOptions().timeZone,
            o,
            g: navigator.language,
            w: innerWidth,
          });
        }
      } else {
        send.x?.(page, /** @type {number} */ (passed));
      }
      if (page.l && !(now - heardAt < 1400)) {
        // Until it is answered, what was sent counts as failed, and `pause` stays what it was: so
        // none is sent while one is pending, and one that hangs is given up.
        if (now - /** @type {number} */ (sentAt) >= pause) send('beat');
        if (speaks) {
          try {
            (channel ||= new BroadcastChannel(KEY)).onmessage = () => {
              heardAt = performance.now();
              // What we said is no longer what was said last.
              if (answered) pause = 0;
            };
            channel.postMessage(0);
          } catch {} // Missing: then every visible tab speaks.
        }
      }
    } else {
      channel = heardAt = channel?.close();
      // Another may speak meanwhile. Nothing twice within 5 seconds.
      if (answered) pause = 5e3;
    }
  };

  /** The tab that is used is the one that speaks: it tells the one that spoke until now. */
  const input = () => {
    /** @type {any} */ (look)(heardAt, (heardAt = NaN));
    inputAt = now;
  };

  /** @type {Record<string, (event: Event) => void>} */
  const handlers = {
    visibilitychange: look,
    keydown: input,
    pointerdown: input,
    popstate: input,
    pointermove: input,
    pageshow() {
      // After everything else, and an async script is there before.
      look(1);
      // Relative to this script. Failure, as of nothing to load, is left to what does nothing with it.
      import(/** @type {any} */ (data.extras)).catch(jitter);
    },
    scroll: input,
    pagehide() {
      look();
      if (page.l) send('leave');
      // Should it come back from the back/forward cache, it is another page load.
      page = /** @type {any} */ ({});
    },
  };

  // Only on the author's own machine or disk is what came without encryption secure.
  if (!document[KEY] && (location.protocol > 'https' || data.local || !isSecureContext)) {
    document[KEY] = send;
    for (const type in handlers) addEventListener(type, handlers[type]);
    // The first look waits: a time zone, a storage and a request cost a slow machine 20 ms.
    setInterval(look, jitter(400), 1);
  }
} catch {}
