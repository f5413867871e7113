// What the function nodes of the flow share: is a reading a breach of the three rules, and one not told yet?
const said = msg.payload, told = context.get("told");

function heatIndex(t, rh) {
    const simple = 0.5 * (t + 61 + (t - 68) * 1.2 + rh * 0.094);
    if ((simple + t) / 2 < 80) return simple;
    let index = -42.379 + 2.04901523 * t + 10.14333127 * rh - 0.22475541 * t * rh - 0.00683783 * t * t
        - 0.05481717 * rh * rh + 0.00122874 * t * t * rh + 0.00085282 * t * rh * rh - 0.00000199 * t * t * rh * rh;
    if (rh < 13 && t <= 112) index -= ((13 - rh) / 4) * Math.sqrt((17 - Math.abs(t - 95)) / 17);
    else if (rh > 85 && t <= 87) index += ((rh - 85) / 10) * ((87 - t) / 5);
    return index;
}

let trouble = null;
if (said.mains === false) trouble = "Power lost";
else if (said.temperature_f < 60) trouble = "Too cold";
else if (said.temperature_f > 70 && heatIndex(said.temperature_f, said.humidity) > 85) trouble = "Too hot";
const isNew = trouble !== null && told[msg.topic] !== trouble;
told[msg.topic] = trouble;
const notice = isNew ? `${trouble}: Extra ${msg.topic.slice(msg.topic.lastIndexOf("/") + 1)}` : null;
const at = said.ts ?? Date.now() / 1000, mains = said.mains === undefined ? null : Number(said.mains);
