"""Drives the embedded cloud with the PyPI clients cs and Apache Libcloud.

Usage: clients.py cs|libcloud ENDPOINT APIKEY SECRET

Each line of output is one kind of thing that was created, listed and deleted:
"ok KIND" or "FAILED KIND: why". The exit status is 1 after any failure.
"""

import base64
import sys
import traceback


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


class Ground:
    """What the client cs finds in a fresh cloud."""

    def __init__(self, api):
        self.api = api
        self.zone = api.listZones()["zone"][0]["id"]
        self.template = self.one("template", api.listTemplates(templatefilter="executable", name="Rocky Linux 9"))
        self.service_offering = self.one("serviceoffering", api.listServiceOfferings(name="Small Instance"))
        self.disk_offering = self.one("diskoffering", api.listDiskOfferings(name="Small"))
        self.network_offering = self.one(
            "networkoffering", api.listNetworkOfferings(name="DefaultIsolatedNetworkOfferingWithSourceNatService"))
        self.vpc_offering = self.one("vpcoffering", api.listVPCOfferings(name="Default VPC offering"))
        self.network = api.createNetwork(
            name="ground", zoneid=self.zone, networkofferingid=self.network_offering)["network"]["id"]
        self.address = api.associateIpAddress(
            networkid=self.network, fetch_result=True)["ipaddress"]["id"]
        self.machine = api.deployVirtualMachine(
            name="ground-1", zoneid=self.zone, templateid=self.template, serviceofferingid=self.service_offering,
            networkids=[self.network], fetch_result=True)["virtualmachine"]["id"]
        self.root = api.listVolumes(virtualmachineid=self.machine, type="ROOT")["volume"][0]["id"]

    @staticmethod
    def one(key, answer):
        expect(answer.get("count") == 1, "one %s: %r" % (key, answer.get("count")))
        return answer[key][0]["id"]


def lives_of_cs(g):
    """(kind, create -> id, list(id) -> count, delete(id)) of every kind of thing."""
    api = g.api
    wait = dict(fetch_result=True)

    def count(command, **more):
        return lambda id: getattr(api, command)(id=id, **more).get("count", 0)

    return [
        ("SSH key pair",
         lambda: api.createSSHKeyPair(name="key")["keypair"]["name"],
         lambda name: api.listSSHKeyPairs(name=name).get("count", 0),
         lambda name: api.deleteSSHKeyPair(name=name)),
        ("user data",
         lambda: api.registerUserData(name="d", userdata=base64.b64encode(b"#cloud-config\n").decode())["userdata"]["id"],
         count("listUserData"), lambda id: api.deleteUserData(id=id)),
        ("affinity group",
         lambda: api.createAffinityGroup(name="apart", type="host anti-affinity", **wait)["affinitygroup"]["id"],
         count("listAffinityGroups"), lambda id: api.deleteAffinityGroup(id=id, **wait)),
        ("instance group",
         lambda: api.createInstanceGroup(name="together")["instancegroup"]["id"],
         count("listInstanceGroups"), lambda id: api.deleteInstanceGroup(id=id)),
        ("network",
         lambda: api.createNetwork(name="n", zoneid=g.zone, networkofferingid=g.network_offering)["network"]["id"],
         count("listNetworks"), lambda id: api.deleteNetwork(id=id, **wait)),
        ("public address",
         lambda: api.associateIpAddress(networkid=g.network, **wait)["ipaddress"]["id"],
         count("listPublicIpAddresses"), lambda id: api.disassociateIpAddress(id=id, **wait)),
        ("firewall rule",
         lambda: api.createFirewallRule(ipaddressid=g.address, protocol="tcp", startport=80, endport=80,
                                        cidrlist=["0.0.0.0/0"], **wait)["firewallrule"]["id"],
         count("listFirewallRules"), lambda id: api.deleteFirewallRule(id=id, **wait)),
        ("egress rule",
         lambda: api.createEgressFirewallRule(networkid=g.network, protocol="all", **wait)["firewallrule"]["id"],
         count("listEgressFirewallRules"), lambda id: api.deleteEgressFirewallRule(id=id, **wait)),
        ("port forwarding rule",
         lambda: api.createPortForwardingRule(ipaddressid=g.address, protocol="tcp", publicport=2222, privateport=22,
                                              virtualmachineid=g.machine, **wait)["portforwardingrule"]["id"],
         count("listPortForwardingRules"), lambda id: api.deletePortForwardingRule(id=id, **wait)),
        ("load balancer rule",
         lambda: api.createLoadBalancerRule(publicipid=g.address, name="web", algorithm="roundrobin", publicport=8080,
                                            privateport=80, **wait)["loadbalancer"]["id"],
         count("listLoadBalancerRules"), lambda id: api.deleteLoadBalancerRule(id=id, **wait)),
        ("machine",
         lambda: api.deployVirtualMachine(name="m", zoneid=g.zone, templateid=g.template, networkids=g.network,
                                          serviceofferingid=g.service_offering, **wait)["virtualmachine"]["id"],
         count("listVirtualMachines"), lambda id: api.destroyVirtualMachine(id=id, expunge=True, **wait)),
        ("volume",
         lambda: api.createVolume(name="v", zoneid=g.zone, diskofferingid=g.disk_offering, **wait)["volume"]["id"],
         count("listVolumes"), lambda id: api.deleteVolume(id=id)),
        ("snapshot",
         lambda: api.createSnapshot(volumeid=g.root, **wait)["snapshot"]["id"],
         count("listSnapshots"), lambda id: api.deleteSnapshot(id=id, **wait)),
        ("VPC",
         lambda: api.createVPC(name="v", displaytext="v", cidr="10.9.0.0/16", zoneid=g.zone,
                               vpcofferingid=g.vpc_offering, **wait)["vpc"]["id"],
         count("listVPCs"), lambda id: api.deleteVPC(id=id, **wait)),
        ("domain",
         lambda: api.createDomain(name="sales")["domain"]["id"],
         count("listDomains"), lambda id: api.deleteDomain(id=id, **wait)),
        ("account",
         lambda: api.createAccount(username="kim", password="x", email="k@example.org", firstname="K", lastname="L",
                                   accounttype=0)["account"]["id"],
         count("listAccounts"), lambda id: api.deleteAccount(id=id, **wait)),
        ("project",
         lambda: api.createProject(name="shop", displaytext="shop", **wait)["project"]["id"],
         count("listProjects"), lambda id: api.deleteProject(id=id, **wait)),
        ("service offering",
         lambda: api.createServiceOffering(name="tiny", displaytext="tiny", cpunumber=1, cpuspeed=500,
                                           memory=256)["serviceoffering"]["id"],
         count("listServiceOfferings"), lambda id: api.deleteServiceOffering(id=id)),
    ]


def with_cs(endpoint, key, secret):
    from cs import CloudStack

    api = CloudStack(endpoint=endpoint, key=key, secret=secret, poll_interval=0.1, timeout=30)
    return lives_of_cs(Ground(api))


def with_libcloud(endpoint, key, secret):
    from urllib.parse import urlparse

    from libcloud.compute.providers import get_driver
    from libcloud.compute.types import Provider

    where = urlparse(endpoint)
    d = get_driver(Provider.CLOUDSTACK)(key, secret, secure=False, host=where.hostname, port=where.port, path=where.path)
    d.connection.poll_interval = 0.1

    zone = d.list_locations()[0]
    image = named(d.list_images(), "Rocky Linux 9")
    size = named(d.list_sizes(), "Small Instance")
    disk = named(d.ex_list_disk_offerings(), "Small")
    offering = named(d.ex_list_network_offerings(), "DefaultIsolatedNetworkOfferingWithSourceNatService")
    vpc_offering = named(d.ex_list_vpc_offerings(), "Default VPC offering")
    network = d.ex_create_network("ground", "ground", offering, zone)
    node = d.create_node(name="ground-1", image=image, size=size, location=zone, networks=[network])
    address = d.ex_allocate_public_ip(network_id=network.id)

    def count(things):
        return lambda x: len([t for t in things() if t.id == x.id])

    return [
        ("node",
         lambda: d.create_node(name="m", image=image, size=size, location=zone, networks=[network]),
         count(d.list_nodes), lambda x: d.destroy_node(x, ex_expunge=True)),
        ("running node",
         lambda: (d.ex_stop(node), d.ex_start(node), d.reboot_node(node), node)[-1],
         lambda x: len([n for n in d.list_nodes() if n.id == x.id and n.state == "running"]), d.ex_stop),
        ("volume",
         lambda: d.create_volume(size=disk.size or 5, name="v", location=zone, ex_volume_type="Small"),
         count(d.list_volumes), d.destroy_volume),
        ("key pair",
         lambda: d.create_key_pair("key"),
         lambda k: len([x for x in d.list_key_pairs() if x.name == k.name]), d.delete_key_pair),
        ("network",
         lambda: d.ex_create_network("n", "n", offering, zone), count(d.ex_list_networks), d.ex_delete_network),
        ("public address",
         lambda: d.ex_allocate_public_ip(network_id=network.id), count(d.ex_list_public_ips), d.ex_release_public_ip),
        ("firewall rule",
         lambda: d.ex_create_firewall_rule(address, "0.0.0.0/0", "TCP", start_port=80, end_port=80),
         count(d.ex_list_firewall_rules), d.ex_delete_firewall_rule),
        ("egress rule",
         lambda: d.ex_create_egress_firewall_rule(network.id, "0.0.0.0/0", "TCP", start_port=1, end_port=65535),
         count(d.ex_list_egress_firewall_rules), d.ex_delete_egress_firewall_rule),
        ("port forwarding rule",
         lambda: d.ex_create_port_forwarding_rule(node, address, 22, 2222, "TCP", openfirewall=False),
         count(d.ex_list_port_forwarding_rules), lambda x: d.ex_delete_port_forwarding_rule(node, x)),
        ("IP forwarding rule",
         lambda: d.ex_create_ip_forwarding_rule(node, static_address(d, node, network), "TCP", 443, 443),
         count(d.ex_list_ip_forwarding_rules), lambda x: d.ex_delete_ip_forwarding_rule(node, x)),
        ("affinity group",
         lambda: d.ex_create_affinity_group("apart", d.ex_list_affinity_group_types()[0]),
         count(d.ex_list_affinity_groups), d.ex_delete_affinity_group),
        ("VPC",
         lambda: d.ex_create_vpc(cidr="10.9.0.0/16", display_text="v", name="v", vpc_offering=vpc_offering,
                                 zone_id=zone.id),
         count(d.ex_list_vpcs), d.ex_delete_vpc),
        ("snapshot",
         lambda: d.create_volume_snapshot([v for v in d.list_volumes(node=node)][0]),
         count(d.list_snapshots), d.destroy_volume_snapshot),
        ("project",
         lambda: make_project(d), count(d.ex_list_projects),
         lambda x: settle(d, "deleteProject", id=x.id)),
        ("tags",
         lambda: (d.ex_create_tags([node.id], "UserVm", {"role": "web"}), node)[-1],
         lambda x: len(d.ex_get_node(x.id).extra["tags"]),
         lambda x: d.ex_delete_tags([x.id], "UserVm", ["role"])),
    ]


def named(things, name):
    found = [x for x in things if x.name == name]
    expect(len(found) == 1, "%d things named %s" % (len(found), name))
    return found[0]


def settle(driver, command, **params):
    return driver._async_request(command=command, params=params)


def make_project(driver):
    settle(driver, "createProject", name="shop", displaytext="shop")
    return named(driver.ex_list_projects(), "shop")


def static_address(driver, node, network):
    address = driver.ex_allocate_public_ip(network_id=network.id)
    driver._sync_request("enableStaticNat", params={"ipaddressid": address.id, "virtualmachineid": node.id})
    return address


def live(kind, create, listed, delete):
    """One thing from its creation to its end."""
    thing = create()
    expect(listed(thing) == 1, "not listed after its creation")
    delete(thing)
    expect(gone(listed, thing), "still listed after its end")


def gone(listed, thing):
    try:
        return listed(thing) == 0
    except KeyError:  # Libcloud looks for the list that an empty answer does not have
        return True
    except Exception as e:  # an unknown id is an error of the API, and what we hope for
        if "does not exist" not in str(e):
            raise
        return True


def main():
    client, endpoint, key, secret = sys.argv[1:]
    lives = {"cs": with_cs, "libcloud": with_libcloud}[client](endpoint, key, secret)
    failed = False
    for kind, create, listed, delete in lives:
        try:
            live(kind, create, listed, delete)
            print("ok", kind)
        except Exception as e:
            failed = True
            print("FAILED %s: %s: %s" % (kind, type(e).__name__, e))
            traceback.print_exc()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
