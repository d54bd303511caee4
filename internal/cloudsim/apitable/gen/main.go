//go:build ignore

// Command gen rewrites ../table.json.gz, the compact API table of package apitable, and ../responses.json.gz.
//
//	go run internal/cloudsim/apitable/gen/main.go -apis apis.json -recorded DIR,DIR -out internal/cloudsim/apitable
//
// apis.json is what a management server's listApis declares, keyed by command name:
// {"createX": {"async": true, "params": {"name": {"type": "string", "required": true, "length": 255, "since": "4.2"}}, "response": {"id": "string"}}}.
// The folders hold recorded exchanges; their asynchronous jobs name the Java class and the instance type of each command. Commands
// that were not recorded have both from the list unseen.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
)

type declared struct {
	Async  bool `json:"async"`
	Params map[string]struct {
		Type     string `json:"type"`
		Required bool   `json:"required"`
		Length   int    `json:"length"`
		Since    string `json:"since"`
	} `json:"params"`
	Response json.RawMessage `json:"response"`
}

type command struct {
	Async    bool              `json:"a,omitempty"`
	Class    string            `json:"c,omitempty"`
	Instance string            `json:"i,omitempty"`
	Params   map[string]string `json:"p,omitempty"`
}

type recording struct {
	Request struct {
		Command string `json:"command"`
	} `json:"request"`
	Job struct {
		Results []struct {
			Response struct {
				Job struct {
					Class    string `json:"cmd"`
					Instance string `json:"jobinstancetype"`
				} `json:"queryasyncjobresultresponse"`
			} `json:"response"`
		} `json:"results"`
	} `json:"job"`
}

// unseen are asynchronous commands no exchange was recorded of: the Java class below org.apache.cloudstack.api.command, and the
// type of what the job is about.
var unseen = map[string][2]string{
	"addNetworkServiceProvider":            {"admin.network.AddNetworkServiceProviderCmd", "PhysicalNetworkServiceProvider"},
	"addTrafficType":                       {"admin.usage.AddTrafficTypeCmd", "PhysicalNetworkTrafficType"},
	"addVpnUser":                           {"user.vpn.AddVpnUserCmd", "None"},
	"attachIso":                            {"admin.iso.AttachIsoCmdByAdmin", "Iso"},
	"authorizeSecurityGroupEgress":         {"user.securitygroup.AuthorizeSecurityGroupEgressCmd", "SecurityGroup"},
	"authorizeSecurityGroupIngress":        {"user.securitygroup.AuthorizeSecurityGroupIngressCmd", "SecurityGroup"},
	"cancelHostMaintenance":                {"admin.host.CancelHostMaintenanceCmd", "Host"},
	"cancelStorageMaintenance":             {"admin.storage.CancelPrimaryStorageMaintenanceCmd", "StoragePool"},
	"configureInternalLoadBalancerElement": {"admin.internallb.ConfigureInternalLoadBalancerElementCmd", "None"},
	"configureVirtualRouterElement":        {"admin.router.ConfigureVirtualRouterElementCmd", "None"},
	"copyIso":                              {"admin.iso.CopyIsoCmdByAdmin", "Iso"},
	"createCounter":                        {"admin.autoscale.CreateCounterCmd", "Counter"},
	"createInternalLoadBalancerElement":    {"admin.internallb.CreateInternalLoadBalancerElementCmd", "None"},
	"createLBHealthCheckPolicy":            {"user.loadbalancer.CreateLBHealthCheckPolicyCmd", "None"},
	"createPhysicalNetwork":                {"admin.network.CreatePhysicalNetworkCmd", "PhysicalNetwork"},
	"createRemoteAccessVpn":                {"user.vpn.CreateRemoteAccessVpnCmd", "None"},
	"createVirtualRouterElement":           {"admin.router.CreateVirtualRouterElementCmd", "None"},
	"createVpnConnection":                  {"user.vpn.CreateVpnConnectionCmd", "None"},
	"createVpnCustomerGateway":             {"user.vpn.CreateVpnCustomerGatewayCmd", ""},
	"deleteCounter":                        {"admin.autoscale.DeleteCounterCmd", ""},
	"deleteIso":                            {"user.iso.DeleteIsoCmd", "Iso"},
	"deleteLBHealthCheckPolicy":            {"user.loadbalancer.DeleteLBHealthCheckPolicyCmd", ""},
	"deleteNetworkServiceProvider":         {"admin.network.DeleteNetworkServiceProviderCmd", "PhysicalNetworkServiceProvider"},
	"deletePhysicalNetwork":                {"admin.network.DeletePhysicalNetworkCmd", "PhysicalNetwork"},
	"deleteRemoteAccessVpn":                {"user.vpn.DeleteRemoteAccessVpnCmd", ""},
	"deleteTrafficType":                    {"admin.usage.DeleteTrafficTypeCmd", "PhysicalNetworkTrafficType"},
	"deleteVpnConnection":                  {"user.vpn.DeleteVpnConnectionCmd", ""},
	"deleteVpnCustomerGateway":             {"user.vpn.DeleteVpnCustomerGatewayCmd", ""},
	"deleteVpnGateway":                     {"user.vpn.DeleteVpnGatewayCmd", ""},
	"destroyRouter":                        {"admin.router.DestroyRouterCmd", "SystemVm"},
	"destroySystemVm":                      {"admin.systemvm.DestroySystemVmCmd", "SystemVm"},
	"detachIso":                            {"admin.iso.DetachIsoCmdByAdmin", "Iso"},
	"enableStorageMaintenance":             {"admin.storage.PreparePrimaryStorageForMaintenanceCmd", "StoragePool"},
	"expungeVirtualMachine":                {"admin.vm.ExpungeVMCmd", "VirtualMachine"},
	"extractIso":                           {"user.iso.ExtractIsoCmd", "Iso"},
	"extractTemplate":                      {"user.template.ExtractTemplateCmd", "Template"},
	"markDefaultZoneForAccount":            {"admin.zone.MarkDefaultZoneForAccountCmd", ""},
	"prepareHostForMaintenance":            {"admin.host.PrepareForHostMaintenanceCmd", "Host"},
	"rebootRouter":                         {"admin.router.RebootRouterCmd", "SystemVm"},
	"rebootSystemVm":                       {"admin.systemvm.RebootSystemVmCmd", "SystemVm"},
	"reconnectHost":                        {"admin.host.ReconnectHostCmd", "Host"},
	"removeVpnUser":                        {"user.vpn.RemoveVpnUserCmd", ""},
	"resetVpnConnection":                   {"user.vpn.ResetVpnConnectionCmd", ""},
	"restartVPC":                           {"user.vpc.RestartVPCCmd", "Vpc"},
	"revertSnapshot":                       {"user.snapshot.RevertSnapshotCmd", "Snapshot"},
	"revertToVMSnapshot":                   {"admin.vmsnapshot.RevertToVMSnapshotCmdByAdmin", "VmSnapshot"},
	"revokeSecurityGroupEgress":            {"user.securitygroup.RevokeSecurityGroupEgressCmd", "SecurityGroup"},
	"revokeSecurityGroupIngress":           {"user.securitygroup.RevokeSecurityGroupIngressCmd", "SecurityGroup"},
	"startRouter":                          {"admin.router.StartRouterCmd", "SystemVm"},
	"startSystemVm":                        {"admin.systemvm.StartSystemVMCmd", "SystemVm"},
	"stopRouter":                           {"admin.router.StopRouterCmd", "SystemVm"},
	"stopSystemVm":                         {"admin.systemvm.StopSystemVmCmd", "SystemVm"},
	"updateEgressFirewallRule":             {"user.firewall.UpdateEgressFirewallRuleCmd", ""},
	"updateLBHealthCheckPolicy":            {"user.loadbalancer.UpdateLBHealthCheckPolicyCmd", ""},
	"updateLBStickinessPolicy":             {"user.loadbalancer.UpdateLBStickinessPolicyCmd", ""},
	"updateNetworkServiceProvider":         {"admin.network.UpdateNetworkServiceProviderCmd", "PhysicalNetworkServiceProvider"},
	"updateTrafficType":                    {"admin.usage.UpdateTrafficTypeCmd", "PhysicalNetworkTrafficType"},
	"updateVpnCustomerGateway":             {"user.vpn.UpdateVpnCustomerGatewayCmd", ""},
}

func main() {
	apis := flag.String("apis", "", "declared commands")
	recorded := flag.String("recorded", "", "folders of recorded exchanges")
	out := flag.String("out", ".", "folder to write to")
	flag.Parse()
	var in map[string]declared
	read(*apis, &in)
	table, responses := make(map[string]*command, len(in)), make(map[string]json.RawMessage, len(in))
	for name, d := range in {
		c := &command{Async: d.Async, Params: make(map[string]string, len(d.Params))}
		for p, def := range d.Params {
			c.Params[p] = encode(def.Type, def.Required, def.Length, def.Since)
		}
		if u, ok := unseen[name]; ok {
			c.Class, c.Instance = "org.apache.cloudstack.api.command."+u[0], u[1]
		}
		table[name], responses[name] = c, d.Response
	}
	var files []string
	for _, dir := range strings.Split(*recorded, ",") {
		found, err := filepath.Glob(filepath.Join(dir, "*.json"))
		if err != nil {
			log.Fatal(err)
		}
		files = append(files, found...)
	}
	for _, f := range files {
		var r recording
		read(f, &r)
		c := table[r.Request.Command]
		if c == nil || len(r.Job.Results) == 0 {
			continue
		}
		job := r.Job.Results[len(r.Job.Results)-1].Response.Job
		c.Class, c.Instance = job.Class, job.Instance
	}
	write(filepath.Join(*out, "table.json.gz"), table)
	write(filepath.Join(*out, "responses.json.gz"), responses)
}

func encode(typ string, required bool, length int, since string) string {
	if required {
		typ += "!"
	}
	if length != 255 {
		typ += fmt.Sprintf("(%d)", length)
	}
	if since != "" {
		typ += "@" + since
	}
	return typ
}

func read(path string, into any) {
	b, err := os.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		log.Fatalf("read %s: %v", path, err)
	}
}

func write(path string, table any) {
	b, err := json.Marshal(table)
	if err != nil {
		log.Fatal(err)
	}
	var buf bytes.Buffer
	z, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := z.Write(b); err != nil {
		log.Fatal(err)
	}
	if err := z.Close(); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
}
