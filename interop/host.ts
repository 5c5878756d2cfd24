// A partner's page that embeds the gateway's, as TypeScript sees it: compiled by interop/run, never run.
/// <reference path="../gateway/src/xinqiao_gateway/fronts/h5/static/embed.d.ts" />

const place = document.getElementById("kyc") ?? document.body;
const pages: xinqiao.Embedded = xinqiao.embed(place, "https://gateway.example/h5/my-bank/launch?token=t", {
  title: "KYC",
  leastHeight: 400,
  on(event) {
    if (event.event === "done") console.log(event.messageId, event.position);
    else if (event.event === "expired" || event.event === "error") console.log(event.reason);
    // @ts-expect-error: heights are the snippet's own business
    else if (event.event === "height") console.log(event);
  },
});
console.log(pages.frame.title);
pages.close();

// @ts-expect-error: an address is a string
xinqiao.embed(place, 5);
