// Check and send: cut a CSV or what was pasted into slices of 1,000 rows, and have each checked or sent by the server.
// A slice is sent under the hash of rows and form, and its number, so that nothing goes out twice.
const form = document.getElementById("send");
const words = form.dataset;
const at = (id) => document.getElementById(id);
const SLICE = 1000, LIMIT = 30e6, SHOWN = 200, PATIENCE = 20;
const FORMULA = /^[=+\-@\t\r]/;
const SHARED = ["from", "category", "text", "template_id", "campaign_id"];
// What was begun in this browser and has not ended; the server knows slices for a day.
const BEGUN = "harkara-sending", KNOWN = 23 * 3600e3;
const OPENS = /[,;|\t\n]/;

// Records of a CSV, uncut: a line end within quotes belongs to its record. Quotes open where a cell begins.
function records(text) {
  const found = [];
  let start = 0, quoted = false, closed = -2;
  for (let place = 0; place < text.length; place++) {
    const character = text[place];
    if (character === '"' && quoted) {
      quoted = false;
      closed = place;
    } else if (character === '"') quoted = place === 0 || OPENS.test(text[place - 1]) || closed === place - 1;
    else if (character === "\n" && !quoted) {
      found.push(text.slice(start, place));
      start = place + 1;
    }
  }
  if (start < text.length) found.push(text.slice(start));
  while (found.length && !found.at(-1).trim()) found.pop();
  return found;
}

async function keyOf(text, fields) {
  const bytes = new TextEncoder().encode(JSON.stringify([text, fields]));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function post(fields) {
  const body = new FormData();
  const account = form.elements.account?.value;
  if (account) body.append("account", account);
  for (const [name, value] of Object.entries(fields)) body.append(name, value);
  for (let attempt = 0; ; attempt++) {
    // Without an answer it may have been taken, or not: under its key it is safe to ask again.
    const answer = await fetch("/console/send/slice", { method: "POST", body }).catch(() => null);
    const waits = !answer || answer.headers.has("retry-after") || answer.status >= 502;
    if (waits && attempt < PATIENCE) {
      at("doing").textContent = words.waiting;
      const seconds = Number(answer?.headers.get("retry-after")) || 2;
      await new Promise((go) => setTimeout(go, Math.min(seconds, 60) * 1000));
      continue;
    }
    if (answer?.redirected) throw new Error(words.signedOut);
    if (!(answer?.headers.get("content-type") || "").startsWith("application/json")) throw new Error(words.failed);
    const report = await answer.json();
    if (!answer.ok) throw new Error(report.error);
    return report;
  }
}

function count(total, sent) {
  at("report").hidden = false;
  for (const each of at("report").querySelectorAll("[data-checked]")) each.textContent = sent ? each.dataset.sent : each.dataset.checked;
  for (const each of document.querySelectorAll("[data-count]")) each.textContent = total[each.dataset.count];
  document.querySelector('[data-count="later"]').closest("li").hidden = !total.later;
}

// Rows to look at, refused ones first: so many in the table, all of them in the report.
function list(found) {
  const rows = found.sort((one, other) => other.refused - one.refused);
  at("none").hidden = rows.length > 0;
  at("rows").hidden = rows.length === 0;
  at("more").hidden = rows.length <= SHOWN;
  at("rows").tBodies[0].replaceChildren(...rows.slice(0, SHOWN).map((row) => {
    const line = at("row").content.firstElementChild.cloneNode(true);
    const [number, to, result, problem] = line.children;
    const mark = result.firstElementChild;
    number.textContent = row.row;
    to.textContent = row.to;
    mark.textContent = row.refused ? mark.dataset.refused : mark.dataset.warned;
    mark.classList.add(row.refused ? "bad" : "warn");
    problem.firstElementChild.textContent = row.code;
    problem.prepend(row.message || row.encoding_reason || "");
    return line;
  }));
  const columns = ["row", "to", "client_ref", "code", "message", "encoding_reason", "segments"];
  const cell = (value) => `"${String(value ?? "").replace(FORMULA, "'$&").replaceAll('"', '""')}"`;
  const lines = [columns, ...rows.map((row) => columns.map((name) => row[name]))];
  URL.revokeObjectURL(at("download").href);
  at("download").href = URL.createObjectURL(new Blob(["\ufeff", lines.map((line) => line.map(cell).join(",")).join("\r\n")], { type: "text/csv" }));
  at("download").hidden = rows.length === 0;
}

async function content() {
  const file = at("file").files[0], pasted = at("pasted").value;
  if (Boolean(file) === Boolean(pasted.trim())) throw new Error(words.either);
  if (!file) return pasted;
  if (file.size > LIMIT) throw new Error(words.tooLarge);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
  } catch {
    throw new Error(words.notUtf8);
  }
}

// The line that names the columns, the rows below it, and the number of the first. Numbers alone need no name.
function table(text) {
  const lines = text.replace(/\r\n?/g, "\n");
  if (/\p{L}/u.test(lines.trimStart().split("\n", 1)[0])) {
    const [head, ...rows] = records(lines);
    return { head, rows, first: 2 };
  }
  return { head: "to", rows: lines.split(/[,;|\t\n]+/).filter((number) => number.trim()), first: 1 };
}

function earlierOf(key) {
  const earlier = JSON.parse(localStorage.getItem(BEGUN) || "{}");
  return earlier.key === key ? earlier : null;
}

async function run(action, total) {
  const text = await content();
  const { head, rows, first } = table(text);
  const shared = Object.fromEntries(SHARED.map((name) => [name, form.elements[name].value.trim()]));
  const key = await keyOf(text, shared);
  const earlier = earlierOf(key), at_ms = earlier?.at_ms ?? Date.now();
  if (action === "send" && Date.now() - at_ms > KNOWN) throw new Error(`${words.late} ${earlier.rows}.`);
  const slices = Math.max(1, Math.ceil(rows.length / SLICE));
  at("progress").hidden = false;
  for (let number = 0; number < slices; number++) {
    at("doing").textContent = `${action === "send" ? words.sending : words.checking} ${number * SLICE} / ${rows.length}`;
    at("bar").value = (100 * number) / slices;
    const cut = rows.slice(number * SLICE, (number + 1) * SLICE);
    if (action === "send") localStorage.setItem(BEGUN, JSON.stringify({ key, at_ms, rows: Math.max(number * SLICE, earlier?.rows ?? 0) }));
    const report = await post({ ...shared, action, key: action === "send" ? `${key}-${number}` : "", first: number * SLICE + first, rows: [head, ...cut].join("\n") });
    for (const name of ["accepted", "refused", "segments", "later"]) total[name] += report[name];
    total.price = (Number(total.price) + Number(report.price)).toFixed(2);
    total.rows.push(...report.rows);
    count(total, action === "send");
  }
  at("bar").value = 100;
  at("doing").textContent = words.done;
  at("reported").focus();
  if (action === "send") localStorage.removeItem(BEGUN);
  else if (earlier) at("note").textContent = words.resume;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const buttons = form.querySelectorAll("button");
  at("note").textContent = "";
  for (const button of buttons) button.disabled = true;
  const total = { accepted: 0, refused: 0, segments: 0, price: 0, later: 0, rows: [] };
  try {
    await run(event.submitter?.value === "send" ? "send" : "check", total);
  } catch (error) {
    at("note").textContent = error.message || words.failed;
  }
  list(total.rows);
  for (const button of buttons) button.disabled = false;
});
