// A box to sign in, with finger, pen or mouse. Without it, or without a hand, the name is typed.
(function () {
  "use strict";
  var box = document.getElementById("drawing"), pad = document.getElementById("pad");
  var context = pad && pad.getContext && pad.getContext("2d");
  var form = document.getElementById("main");
  if (!context || !form || !window.JSON) return;
  var field = form.elements.strokes, strokes = [], stroke = null, began = 0, points = 0;
  box.hidden = false;

  function place(event) {
    var touch = event.touches ? event.touches[0] : event, around = pad.getBoundingClientRect();
    function within(at, from, size, wide) {
      return Math.max(0, Math.min(wide, Math.round(((at - from) * wide) / size)));
    }
    return [
      within(touch.clientX, around.left, around.width, pad.width),
      within(touch.clientY, around.top, around.height, pad.height),
      Date.now() - began
    ];
  }

  function draw() {
    context.fillStyle = "#fff";
    context.fillRect(0, 0, pad.width, pad.height);
    context.strokeStyle = "#000";
    context.lineWidth = 4;
    context.lineCap = context.lineJoin = "round";
    strokes.forEach(function (each) {
      context.beginPath();
      each.forEach(function (point, number) {
        context[number ? "lineTo" : "moveTo"](point[0], point[1]);
      });
      if (each.length === 1) context.lineTo(each[0][0] + 1, each[0][1]);
      context.stroke();
    });
  }

  function start(event) {
    if (points > 3500 || strokes.length > 190) return;
    event.preventDefault();
    began = began || Date.now();
    stroke = [place(event)];
    strokes.push(stroke);
    points += 1;
    draw();
  }

  function move(event) {
    if (!stroke || points > 3500) return;
    event.preventDefault();
    stroke.push(place(event));
    points += 1;
    draw();
  }

  function end() {
    stroke = null;
  }

  function listen(target, names, act) {
    names.forEach(function (name) {
      target.addEventListener(name, act, { passive: false });
    });
  }

  if (window.PointerEvent) {
    listen(pad, ["pointerdown"], start);
    listen(pad, ["pointermove"], move);
    listen(window, ["pointerup", "pointercancel"], end);
  } else {
    listen(pad, ["touchstart", "mousedown"], start);
    listen(pad, ["touchmove", "mousemove"], move);
    listen(window, ["touchend", "touchcancel", "mouseup"], end);
  }

  document.getElementById("clear").addEventListener("click", function () {
    strokes = [];
    stroke = null;
    points = began = 0;
    draw();
  });

  form.addEventListener("submit", function () {
    field.value = points ? JSON.stringify(strokes) : "";
    form.elements.drawing.value = points ? pad.toDataURL("image/png") : "";
  });

  try {
    strokes = field.value ? JSON.parse(field.value) : [];
  } catch (error) {
    strokes = [];
  }
  strokes.forEach(function (each) {
    points += each.length;
  });
  // A drawing that was kept goes on where it ended.
  if (points) began = Date.now() - strokes[strokes.length - 1][0][2] - 1000;
  draw();
})();
