// For a partner's page: embeds pages of the gateway, and tells what happens on them. Types: embed.d.ts.
//   var pages = xinqiao.embed(document.getElementById("kyc"), launchUrl, { on: function (event) { … } });
(function (global) {
  "use strict";

  function originOf(url) {
    var link = document.createElement("a");
    link.href = url;
    return link.protocol + "//" + link.host;
  }

  function embed(container, launchUrl, options) {
    var settings = options || {};
    var origin = originOf(launchUrl);
    var frame = document.createElement("iframe");
    var least = settings.leastHeight || 320;
    var most = settings.mostHeight || 8000;

    function heard(message) {
      var said = message.data;
      // Any page may post to this one: only the frame that we made counts, while it shows the gateway.
      if (message.source !== frame.contentWindow || message.origin !== origin) return;
      if (!said || said.source !== "xinqiao" || typeof said.event !== "string") return;
      if (said.event === "height") {
        frame.style.height = Math.min(Math.max(Number(said.height) || 0, least), most) + "px";
        return;
      }
      // The next page is read from its top, wherever the button of the last one was.
      if (said.event !== "expired" && frame.getBoundingClientRect().top < 0) frame.scrollIntoView();
      if (settings.on) settings.on(said);
    }

    function close() {
      global.removeEventListener("message", heard);
      if (frame.parentNode) frame.parentNode.removeChild(frame);
    }

    global.addEventListener("message", heard);
    frame.title = settings.title || "信托业务办理 Trust services";
    frame.referrerPolicy = "no-referrer";
    frame.style.cssText = "width:100%;border:0;height:" + least + "px";
    frame.src = launchUrl;
    container.appendChild(frame);
    return { frame: frame, close: close };
  }

  global.xinqiao = { embed: embed };
})(window);
