"use strict";

// Every text of the cloud goes into the page as text, never as markup.
const words = {
  good: ["Running", "Implemented", "Setup", "Active", "ENABLED", "Enabled", "done", "up"],
  bad: ["Error", "failed", "down", "Destroyed"],
  busy: ["Starting", "Stopping", "Implementing", "Allocating", "SCALING", "Deleting", "Expunging", "running", "Add"],
};

function element(tag, text, kind) {
  const e = document.createElement(tag);
  if (text !== undefined) e.textContent = text;
  if (kind) e.className = kind;
  return e;
}

function state(text) {
  const kind = Object.keys(words).find((k) => words[k].includes(text));
  return element("span", text, kind);
}

function lines(list) {
  const cell = document.createDocumentFragment();
  for (const one of list) {
    const line = element("div");
    line.append(one);
    cell.append(line);
  }
  return cell;
}

function link(at, text) {
  if (!/^[0-9.:]+$/.test(at)) return text;
  const a = element("a", text);
  a.href = "http://" + at + "/";
  a.rel = "noreferrer";
  return a;
}

function load(percent) {
  if (percent < 0) return "";
  const cell = document.createDocumentFragment();
  const bar = element("meter");
  bar.max = 100;
  bar.high = 80;
  bar.value = percent;
  cell.append(bar, Math.round(percent) + " %");
  return cell;
}

function seconds(s) {
  if (s < 1) return Math.round(s * 1000) + " ms";
  return s < 120 ? s.toFixed(1) + " s" : Math.round(s / 60) + " min";
}

function target(t) {
  const line = element("span", t.name);
  if (t.state) line.append(" ", state(t.state));
  return line;
}

function way(r) {
  if (r.reach && r.detail !== "udp" && r.kind !== "static NAT") return link(r.reach, r.reach);
  return r.reach;
}

// What a section shows: head, class of the cell, value.
const tables = {
  networks: [["name", "name", (n) => n.name], ["type", "", (n) => n.type + (n.vpc ? " in " + n.vpc : "")], ["state", "fixed", (n) => state(n.state)],
    ["addresses", "fixed", (n) => n.cidr], ["public", "fixed", (n) => lines(n.addresses)], ["machines", "number", (n) => n.machines],
    ["zone", "", (n) => n.zone], ["account", "", (n) => n.account]],
  machines: [["name", "name", (m) => m.name], ["state", "fixed", (m) => state(m.state)], ["CPU", "fixed", (m) => load(m.cpu)], ["address", "fixed", (m) => m.address],
    ["network", "", (m) => m.network], ["template", "", (m) => m.template], ["offering", "", (m) => m.offering], ["group", "", (m) => m.group],
    ["account", "", (m) => m.account]],
  rules: [["public", "name", (r) => r.public], ["kind", "", (r) => r.kind + (r.name ? " " + r.name : "")], ["state", "fixed", (r) => state(r.state)],
    ["reached at", "fixed", way], ["machines", "", (r) => lines(r.targets.map(target))], ["how", "", (r) => r.detail],
    ["requests", "number", (r) => (r.kind === "load balancer" ? r.requests : "")]],
  groups: [["name", "name", (g) => g.name], ["state", "fixed", (g) => state(g.state)], ["machines", "number", (g) => g.members],
    ["from", "number", (g) => g.min], ["to", "number", (g) => g.max], ["rule", "", (g) => g.rule]],
  faults: [["command", "name", (f) => f.command || "every"], ["kind", "", (f) => f.kind + (f.status ? " " + f.status : "")],
    ["seen", "number", (f) => f.seen], ["struck", "number", (f) => f.struck], ["held", "number", (f) => f.held]],
  jobs: [["command", "name", (j) => j.command], ["state", "fixed", (j) => state(j.state)], ["took", "number", (j) => seconds(j.seconds)],
    ["begun", "fixed", (j) => j.created.slice(0, 19).replace("T", " ")], ["account", "", (j) => j.account], ["error", "", (j) => j.text]],
};

const counted = { networks: "networks", virtualmachines: "machines", volumes: "volumes", publicipaddresses: "public addresses",
  loadbalancerrules: "load balancer rules", autoscalevmgroups: "autoscale groups" };
const totals = { networks: "networks", machines: "virtualmachines", groups: "autoscalevmgroups" };

function table(columns, rows) {
  const t = element("table");
  const head = t.createTHead().insertRow();
  for (const [name, kind] of columns) head.append(element("th", name, kind === "number" ? kind : ""));
  const body = t.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    for (const [, kind, value] of columns) {
      const cell = element("td", undefined, kind);
      cell.append(value(row) ?? "");
      line.append(cell);
    }
  }
  return t;
}

function show(cloud) {
  document.getElementById("zones").textContent = cloud.zones.join(", ");
  document.getElementById("endpoint").textContent = cloud.endpoint;
  document.getElementById("about").textContent = "signatures: " + cloud.flavor + ", latency: " + cloud.latency + ", fidelity: " + cloud.fidelity;
  const counts = document.getElementById("counts");
  counts.replaceChildren(...Object.keys(counted).map((key) => {
    const item = element("li", undefined);
    item.append(element("b", cloud.counts[key] ?? 0), counted[key]);
    return item;
  }));
  for (const [name, columns] of Object.entries(tables)) {
    const section = document.getElementById(name);
    const rows = cloud[name] ?? [];
    section.hidden = name === "faults" && rows.length === 0;
    const parts = [section.querySelector("h2")];
    parts.push(rows.length ? table(columns, rows) : element("p", "none", "empty"));
    const more = (cloud.counts[totals[name]] ?? 0) - rows.length;
    if (rows.length && more > 0) parts.push(element("p", "and " + more + " older ones", "empty"));
    section.replaceChildren(...parts);
  }
}

function live(kind, text) {
  const e = document.getElementById("live");
  e.className = kind;
  e.textContent = text;
}

const events = new EventSource("/dashboard/events");
events.onopen = () => live("up", "live");
events.onerror = () => live("down", "the cloud does not answer; trying again");
events.onmessage = (e) => show(JSON.parse(e.data));
events.addEventListener("time", (e) => live("up", e.data.slice(0, 19).replace("T", " ") + " UTC"));
