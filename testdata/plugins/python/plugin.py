"""A plugin of moldctl without its SDK: one type, over gRPC, with JSON values.

Written from docs/plugin-protocol.md. plugin_pb2 and plugin_pb2_grpc are made
of plugin.proto:

    python -m grpc_tools.protoc -I. --python_out=. --grpc_python_out=. plugin.proto
"""

import json
import os
import threading
import time

import grpc
import plugin_pb2 as pb
import plugin_pb2_grpc

from cloud import Cloud, Refused, Unanswered
from serve import serve

HERE = os.path.dirname(os.path.abspath(__file__))


def value(fields):
    return pb.Value(json=json.dumps(fields).encode())


def read_value(v):
    return json.loads(v.json) if v.json else {}


def failure(summary, error):
    return pb.Diagnostic(severity=pb.Diagnostic.ERROR, summary=summary, detail=str(error))


def group(row):
    return value({"id": row["id"], "name": row["name"]})


class Broken(Exception):
    """The host is gone, or wants no more of this operation."""


class Operation:
    """One Apply: calls are announced, and told of, before anything follows."""

    def __init__(self, cloud, start, requests):
        self.cloud, self.start, self.requests = cloud, start, requests
        self.prior, self.planned = read_value(start.prior), read_value(start.planned)
        self.resume = {c.key: c for c in start.resume}
        self.seq = 0
        self.made = ""

    def tell(self, kind, call):
        """Sends an intent or a checkpoint and waits until it is recorded."""
        self.seq += 1
        message = (pb.Intent if kind == "intent" else pb.Checkpoint)(seq=self.seq, call=call)
        yield pb.ApplyDown(**{kind: message})
        try:
            ack = next(self.requests).ack
        except (StopIteration, grpc.RpcError):
            raise Broken from None
        if ack.seq != self.seq:
            raise Broken

    def call(self, key, command, identity, **params):
        """Makes one call that changes something; gives its answer."""
        call = pb.Call(key=key, command=command, identity=json.dumps(identity).encode(), id=identity.get("target", ""))
        yield from self.tell("intent", call)
        try:
            answer = yield from self.sent(call, identity, params)
        except Refused:
            call.state = pb.Call.FAILED
            yield from self.tell("checkpoint", call)
            raise
        call.state = pb.Call.DONE
        call.id = answer.get("instancegroup", {}).get("id", call.id)
        self.made = call.id or self.made
        yield from self.tell("checkpoint", call)
        return answer

    def sent(self, call, identity, params):
        for again in (True, False):
            try:
                return self.cloud.call(call.command, **params)
            except Unanswered:
                time.sleep(self.cloud.settle_time())
                found = self.cloud_has(identity)
                if found:
                    return {"instancegroup": found}
                if not again:
                    raise
                yield pb.ApplyDown(progress=pb.Progress(text=f"{call.command} got no answer and did nothing; sending it again"))

    def cloud_has(self, identity):
        if identity["kind"] != "natural":
            return None
        return next((g for g in groups(self.cloud) if g["name"] == identity["match"]["name"]), None)

    def run(self):
        try:
            result = yield from {pb.CREATE: self.create, pb.UPDATE: self.update, pb.DELETE: self.delete}[self.start.op]()
        except Broken:
            return
        except (Refused, Unanswered) as e:
            verb = pb.Op.Name(self.start.op).lower()
            nothing = self.start.op == pb.CREATE and not self.made and isinstance(e, Refused)
            result = pb.Result(status=pb.Result.GONE if nothing else pb.Result.PARTIAL,
                               diagnostics=[failure(f"Cannot {verb} python_group", e)])
        yield pb.ApplyDown(result=result)

    def create(self):
        done = self.resume.get("create")
        if done and done.state == pb.Call.DONE:
            row = next((g for g in groups(self.cloud) if g["id"] == done.id), None)
            if row:
                return pb.Result(value=group(row))
        name = self.planned["name"]
        answer = yield from self.call("create", "createInstanceGroup", natural(name), name=name)
        return pb.Result(value=group(answer["instancegroup"]))

    def update(self):
        id, name = self.prior["id"], self.planned["name"]
        yield from self.call("update", "updateInstanceGroup", {"kind": "repeat", "target": id}, id=id, name=name)
        return pb.Result(value=value({"id": id, "name": name}))

    def delete(self):
        id = self.prior["id"]
        if any(g["id"] == id for g in groups(self.cloud)):
            yield from self.call("delete", "deleteInstanceGroup", {"kind": "repeat", "target": id}, id=id)
        return pb.Result(status=pb.Result.GONE)


def natural(name):
    return {"kind": "natural", "list": "listInstanceGroups", "result": "instancegroup", "match": {"name": name}}


def groups(cloud):
    return cloud.list("listInstanceGroups", "instancegroup")


class Plugin(plugin_pb2_grpc.PluginServicer):
    def __init__(self):
        self.lock = threading.Lock()
        self.clouds = {}

    def cloud(self, alias, context):
        with self.lock:
            if alias not in self.clouds:
                context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"not configured for the cloud {alias!r}")
            return self.clouds[alias]

    def Describe(self, request, context):
        with open(os.path.join(HERE, "plugin.yaml"), "rb") as f:
            verbs = ("create", "read", "update", "delete", "find")
            return pb.DescribeReply(plugin_yaml=f.read(), handlers=["python_group." + v for v in verbs], encodings=["json"])

    def Configure(self, request, context):
        settings = request.cloud
        with self.lock:
            known = self.clouds.get(settings.alias)
            if known and known.settings.api_key == settings.api_key and known.settings.endpoint == settings.endpoint:
                known.settings = settings  # only the bound on signatures is new
                return pb.ConfigureReply(identity=known.identity)
        try:
            if settings.project:
                raise Refused("Configure", 431, "this plugin does not know projects")
            cloud = Cloud(settings)
            cloud.identity = identity(cloud)
        except (Refused, Unanswered) as e:
            return pb.ConfigureReply(diagnostics=[failure("Cloud cannot be used", e)])
        with self.lock:
            self.clouds[settings.alias] = cloud
        return pb.ConfigureReply(identity=cloud.identity)

    def Apply(self, requests, context):
        start = next(requests).start
        yield from Operation(self.cloud(start.cloud, context), start, requests).run()

    def Read(self, request, context):
        try:
            rows = {g["id"]: g for g in groups(self.cloud(request.cloud, context))}
        except (Refused, Unanswered) as e:
            for item in request.items:
                yield pb.ReadReply(ref=item.ref, diagnostics=[failure("Cannot read python_group", e)])
            return
        for item in request.items:
            row = rows.get(item.id)
            if row:
                yield pb.ReadReply(ref=item.ref, value=group(row))
            else:
                yield pb.ReadReply(ref=item.ref, state=pb.ReadReply.GONE)

    def Find(self, request, context):
        query = json.loads(request.query or b"{}")
        try:
            rows = groups(self.cloud(request.cloud, context))
        except (Refused, Unanswered) as e:
            yield pb.FindReply(diagnostics=[failure("Cannot list python_group", e)])
            return
        found = [pb.FindReply.Found(id=g["id"], name=g["name"], value=group(g), object=json.dumps(g).encode())
                 for g in rows if all(g.get(k) == v for k, v in query.items())]
        for i in range(0, len(found), 200):
            yield pb.FindReply(found=found[i:i + 200])

    def Settle(self, request, context):
        cloud = self.cloud(request.cloud, context)
        reply = pb.SettleReply()
        try:
            rows = None
            for asked in request.calls:
                call = reply.calls.add()
                call.CopyFrom(asked)
                if call.state != pb.Call.OPEN:
                    continue
                if rows is None:
                    # Only later is it sure that the cloud does not carry it out any more.
                    late = max(c.sent_unix_ms for c in request.calls) / 1000 + cloud.settle_time() - time.time()
                    time.sleep(max(late, 0) if cloud.settle_time() else 0)
                    rows = groups(cloud)
                who = json.loads(call.identity)
                if who["kind"] == "natural":
                    row = next((g for g in rows if g["name"] == who["match"]["name"]), None)
                elif call.command == "deleteInstanceGroup":
                    row = None if any(g["id"] == who["target"] for g in rows) else {"id": who["target"]}
                else:
                    row = None  # an update may be sent again
                call.state = pb.Call.DONE if row else pb.Call.ABSENT
                if row:
                    call.id = row["id"]
        except (Refused, Unanswered) as e:
            del reply.calls[:]
            reply.diagnostics.append(failure("Cannot find out what became of a call", e))
        return reply


def identity(cloud):
    """Says who the caller is: every plugin must say the same of one cloud."""
    zones = cloud.list("listZones", "zone", available="true")
    wanted = cloud.settings.zone
    zone = next((z for z in zones if wanted in ("", z["id"], z["name"])), None)
    if zone is None:
        raise Refused("listZones", 431, f"there is no zone {wanted!r}")
    users = cloud.list("listUsers", "user")
    me = next((u for u in users if u.get("apikey") == cloud.settings.api_key), users[0])
    about = cloud.call("listCapabilities")["capability"]
    return pb.CloudIdentity(
        zone_id=zone["id"], zone=zone["name"], domain_id=me["domainid"], domain=me["domain"],
        account_id=me["accountid"], account=me["account"], role=me["roletype"],
        may_expunge=me["roletype"] == "Admin" or about.get("allowuserexpungerecovervm", False),
        version=about["cloudstackversion"])


if __name__ == "__main__":
    serve(lambda server: plugin_pb2_grpc.add_PluginServicer_to_server(Plugin(), server))
