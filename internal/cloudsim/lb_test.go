package cloudsim

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLoadBalancerCarriesTraffic(t *testing.T) {
	t.Parallel()
	b := startBalanced(t, Options{})
	if got := b.fetch("80"); got != "refused" {
		t.Errorf("before there is a rule: %s", got)
	}
	id := b.rule("80")
	if got, state := b.fetch("80"), b.ruleState(id); got != "503 Service Unavailable" || state != RuleAdd {
		t.Errorf("rule without members: %s, state %s", got, state)
	}
	b.ok("assignToLoadBalancerRule", "id", id, "virtualmachineids", strings.Join(b.vms, ","))
	if got := b.fetch("80") + " " + b.fetch("80") + " " + b.fetch("80"); got != "web-1 web-2 web-1" {
		t.Errorf("two members, round robin: %s", got)
	}
	if state := b.ruleState(id); state != RuleActive {
		t.Errorf("state %s", state)
	}
	b.ok("removeFromLoadBalancerRule", "id", id, "virtualmachineids", b.vms[0])
	if got := b.fetch("80") + " " + b.fetch("80"); got != "web-2 web-2" {
		t.Errorf("one member left: %s", got)
	}
	b.ok("updateLoadBalancerRule", "id", id, "cidrlist", "10.0.0.0/8")
	if got := b.fetch("80"); got != "cut" {
		t.Errorf("outside the list of networks: %s", got)
	}
	b.ok("updateLoadBalancerRule", "id", id, "cidrlist", "127.0.0.0/8", "algorithm", "leastconn")
	if got := b.fetch("80"); got != "web-2" {
		t.Errorf("inside the list of networks: %s", got)
	}
	b.ok("deleteLoadBalancerRule", "id", id)
	if got := b.fetch("80"); got != "refused" {
		t.Errorf("after the rule went: %s", got)
	}
	if r := must(t, b.Cloud, "admin", "listFirewallRules"); len(r.items("firewallrule")) != 0 {
		t.Errorf("the firewall rule opened with it stayed: %s", r.raw)
	}
}

func TestFirewallDecidesWhatListens(t *testing.T) {
	t.Parallel()
	b := startBalanced(t, Options{})
	id := b.rule("8080", "openfirewall", "false")
	b.ok("assignToLoadBalancerRule", "id", id, "virtualmachineids", b.vms[0])
	if got := b.fetch("8080"); got != "refused" {
		t.Errorf("closed firewall: %s", got)
	}
	rule := b.ok("createFirewallRule", "ipaddressid", b.ip, "protocol", "tcp", "startport", "8000", "endport", "8090").object("firewallrule")["id"].(string)
	if got := b.fetch("8080"); got != "web-1" {
		t.Errorf("open firewall: %s", got)
	}
	b.ok("deleteFirewallRule", "id", rule)
	if got := b.fetch("8080"); got != "refused" {
		t.Errorf("closed again: %s", got)
	}
	b.ok("createPortForwardingRule", "ipaddressid", b.ip, "protocol", "tcp", "publicport", "2222", "privateport", "22", "virtualmachineid", b.vms[1])
	if got := b.fetch("2222"); got != "web-2" {
		t.Errorf("port forward: %s", got)
	}
}

func TestStaticNATFollowsTheGuest(t *testing.T) {
	t.Parallel()
	b := startBalanced(t, Options{})
	r := must(t, b.Cloud, "admin", "associateIpAddress", "networkid", b.network)
	await(t, b.Cloud, "admin", r)
	must(t, b.Cloud, "admin", "enableStaticNat", "ipaddressid", r.str("id"), "virtualmachineid", b.vms[0])
	b.ok("createFirewallRule", "ipaddressid", r.str("id"), "protocol", "tcp", "startport", "1", "endport", "65535")
	b.address = must(t, b.Cloud, "admin", "listPublicIpAddresses", "id", r.str("id")).items("publicipaddress")[0]["ipaddress"].(string)
	if got := b.fetch("80"); got != "web-1" {
		t.Errorf("a port the guest listens on: %s", got)
	}
	if got := b.fetch("81"); got != "refused" {
		t.Errorf("a port it does not listen on: %s", got)
	}
}

func TestStickyCookie(t *testing.T) {
	t.Parallel()
	b := startBalanced(t, Options{})
	id := b.rule("80")
	b.ok("assignToLoadBalancerRule", "id", id, "virtualmachineids", strings.Join(b.vms, ","))
	b.ok("createLBStickinessPolicy", "lbruleid", id, "name", "s", "methodname", "lbcookie", "param[0].name", "cookie-name", "param[0].value", "who")
	jar := &http.Client{Jar: &oneCookie{}, Transport: &http.Transport{DisableKeepAlives: true}}
	var seen []string
	for range 4 {
		resp, err := jar.Get("http://" + b.at("80"))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		seen = append(seen, string(body))
	}
	if len(slices.Compact(seen)) != 1 {
		t.Errorf("a client with the cookie was served by %v", seen)
	}
}

// oneCookie keeps what was set last.
type oneCookie struct {
	mu  sync.Mutex
	all []*http.Cookie
}

func (j *oneCookie) SetCookies(_ *url.URL, cookies []*http.Cookie) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(cookies) > 0 {
		j.all = cookies
	}
}

func (j *oneCookie) Cookies(*url.URL) []*http.Cookie {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.all
}

func TestCertificateEndsTLS(t *testing.T) {
	t.Parallel()
	b := startBalanced(t, Options{})
	secure := httptest.NewTLSServer(nil) // for its certificate
	t.Cleanup(secure.Close)
	certificate, key := pemOf(t, secure.TLS.Certificates[0])
	id := b.rule("443", "protocol", "ssl")
	plain := b.rule("80")
	b.ok("assignToLoadBalancerRule", "id", id, "virtualmachineids", b.vms[0])
	if r := call(t, b.Cloud, "admin", "uploadSslCert", "name", "x", "certificate", "nonsense", "privatekey", key); r.status != 530 || r.text() != "" {
		t.Errorf("not PEM: %d %s", r.status, r.raw)
	}
	uploaded := must(t, b.Cloud, "admin", "uploadSslCert", "name", "site", "certificate", certificate, "privatekey", key)
	cert := uploaded.object("sslcert")["id"].(string)
	if strings.Contains(uploaded.raw, "PRIVATE KEY") {
		t.Error("the answer shows the key")
	}
	if r := b.job("assignCertToLoadBalancer", "lbruleid", plain, "certid", cert); r.text() != "Bad LB protocol: Expected ssl got tcp" {
		t.Errorf("on a tcp rule: %q", r.text())
	}
	b.ok("assignCertToLoadBalancer", "lbruleid", id, "certid", cert)
	client := secure.Client()
	client.Transport.(*http.Transport).TLSClientConfig.ServerName = "example.com" // what the certificate is for
	resp, err := client.Get("https://" + b.at("443"))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || string(body) != "web-1" {
		t.Errorf("over TLS: %q %v", body, err)
	}
	if r := call(t, b.Cloud, "admin", "deleteSslCert", "id", cert); r.status != 530 || r.text() != "Certificate in use by a loadbalancer(s) lb " {
		t.Errorf("delete in use: %d %q", r.status, r.text())
	}
	b.ok("removeCertFromLoadBalancer", "lbruleid", id)
	must(t, b.Cloud, "admin", "deleteSslCert", "id", cert)
}

func TestLoadBalancerRefusals(t *testing.T) {
	t.Parallel()
	b := startBalanced(t, Options{})
	id := b.rule("80")
	type refusal struct {
		Status int
		CS     any
		Text   string
	}
	rule := func(change ...string) []string {
		all := map[string]string{"name": "x", "publicipid": b.ip, "publicport": "81", "privateport": "80", "algorithm": "roundrobin"}
		for i := 0; i < len(change); i += 2 {
			all[change[i]] = change[i+1]
		}
		var kv []string
		for k, v := range all {
			if v != "-" {
				kv = append(kv, k, v)
			}
		}
		return kv
	}
	number, network := b.numbers(id)
	tests := map[string]struct {
		command string
		kv      []string
		want    refusal
	}{
		"port taken": {"createLoadBalancerRule", rule("publicport", "80"), refusal{537, 9999.0, fmt.Sprintf(
			`The range specified, 80-80, conflicts with rule FirewallRule {"id":%d,"networkId":%d,"purpose":"LoadBalancing","state":"Add","uuid":"%s"} which has 80-80`, number, network, id)}},
		"algorithm":    {"createLoadBalancerRule", rule("algorithm", "bogus"), refusal{431, 9999.0, "Invalid algorithm: bogus"}},
		"public port":  {"createLoadBalancerRule", rule("publicport", "70000"), refusal{431, 9999.0, "publicPort is an invalid value: 70000"}},
		"private port": {"createLoadBalancerRule", rule("privateport", "0"), refusal{431, 9999.0, "privatePort is an invalid value: 0"}},
		"no name":      {"createLoadBalancerRule", rule("name", "-"), refusal{431, 9999.0, "Unable to execute API command createloadbalancerrule due to missing parameter name"}},
		"udp":          {"createLoadBalancerRule", rule("protocol", "udp"), refusal{431, 9999.0, "LB service provider cannot support this rule"}},
		"stats port":   {"createLoadBalancerRule", rule("publicport", "8081"), refusal{431, 9999.0, "LB service provider cannot support this rule"}},
		"protocol":     {"createLoadBalancerRule", rule("protocol", "sctp"), refusal{431, 9999.0, "protocol sctp is not in valid protocols [tcp, udp, tcp-proxy, ssl]"}},
		"cidr":         {"createLoadBalancerRule", rule("cidrlist", "10.0.0.0/99"), refusal{431, 9999.0, "CIDR [10.0.0.0/99] is invalid."}},
		"gone": {"listLoadBalancerRules", []string{"id", "00000000-0000-4000-8000-000000000000"}, refusal{431, 9999.0,
			"Unable to execute API command listloadbalancerrules due to invalid value. Invalid parameter id value=00000000-0000-4000-8000-000000000000 due to incorrect long value format, or entity does not exist or due to incorrect parameter annotation for the field in api cmd class."}},
		"sticky method": {"createLBStickinessPolicy", []string{"lbruleid", id, "name", "s", "methodname", "Bogus"}, refusal{431, 4350.0,
			fmt.Sprintf("Failed to match Stickiness method name for LB rule:%d", number)}},
		"sticky parameter": {"createLBStickinessPolicy", []string{"lbruleid", id, "name", "s", "methodname", "LbCookie", "param[0].name", "bogus", "param[0].value", "1"},
			refusal{431, 4350.0, "Failed : Stickiness policy does not support param name :bogus"}},
		"health check": {"createLBHealthCheckPolicy", []string{"lbruleid", id, "pingpath", "/"}, refusal{430, 9999.0, fmt.Sprintf(
			`Failed to create HealthCheck policy: Validation Failed (HealthCheck Policy is not supported by LB Provider for the LB rule:LoadBalancer {"name":"lb","id":%d,"purpose":"LoadBalancing","state":"Add","uuid":"%s"})`, number, id)}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := call(t, b.Cloud, "admin", test.command, test.kv...)
			if diff := cmp.Diff(test.want, refusal{r.status, r.body["cserrorcode"], r.text()}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// numbers are the internal numbers of a rule and its network.
func (b *balanced) numbers(ruleID string) (rule, network int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r, _ := b.store.LBRules.Get(ruleID)
	n, _ := b.store.Networks.Get(b.network)
	return r.N, n.N
}

func TestLoadBalancerJobFailures(t *testing.T) {
	t.Parallel()
	b := startBalanced(t, Options{})
	id := b.rule("80")
	other := makeNetwork(t, b.Cloud, "admin", "other")
	stranger := putVM(t, b.Cloud, "admin", other, "stranger", "10.1.1.9")
	b.ok("assignToLoadBalancerRule", "id", id, "virtualmachineids", b.vms[0])
	tests := map[string]struct {
		reason, command string
		kv              []string
		code            float64
		text            string
	}{
		"again":            {"no reason is given", "assignToLoadBalancerRule", []string{"id", id, "virtualmachineids", b.vms[0]}, 530, "Failed to assign load balancer rule"},
		"nobody":           {"the same text", "assignToLoadBalancerRule", []string{"id", id}, 530, "Failed to assign load balancer rule"},
		"foreign network":  {"the same text", "assignToLoadBalancerRule", []string{"id", id, "virtualmachineids", stranger}, 530, "Failed to assign load balancer rule"},
		"foreign address":  {"the same text", "assignToLoadBalancerRule", []string{"id", id, "vmidipmap[0].vmid", b.vms[1], "vmidipmap[0].vmip", "10.1.1.99"}, 530, "Failed to assign load balancer rule"},
		"wrong map fields": {"what a known client library sends", "assignToLoadBalancerRule", []string{"id", id, "vmidipmap[0].key", b.vms[1], "vmidipmap[0].value", "10.1.1.5"}, 431, "Unable to find virtual machine ID: null"},
		"bad algorithm":    {"the router refuses its configuration", "updateLoadBalancerRule", []string{"id", id, "algorithm", "bogus"}, 530, "Failed to update load balancer rule: LoadBalancer {"},
		"bad cidr":         {"an update takes IPv4 networks only", "updateLoadBalancerRule", []string{"id", id, "cidrlist", "10.0.0.1"}, 431, "Invalid CIDR list: 10.0.0.1"},
		"app cookie":       {"gone from haproxy", "createLBStickinessPolicy", []string{"lbruleid", id, "name", "s", "methodname", "AppCookie"}, 530, "Failed to create stickiness policy"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := b.job(test.command, test.kv...)
			if r.body["errorcode"] != test.code || !strings.HasPrefix(r.text(), test.text) {
				t.Errorf("%s: got %v %q", test.reason, r.body["errorcode"], r.text())
			}
		})
	}
	if got := b.fetch("80"); got != "web-1" {
		t.Errorf("after all that: %s", got)
	}
	b.ok("removeFromLoadBalancerRule", "id", id, "virtualmachineids", b.vms[1]) // not in it: no error
	if r := must(t, b.Cloud, "admin", "listLBStickinessPolicies", "lbruleid", id); len(r.items("stickinesspolicies")) != 1 || r.body["count"] != 1.0 {
		t.Errorf("a rule without policies has one empty wrapper: %s", r.raw)
	}
}

func TestRuleWithoutProtocolIsChangedAndFails(t *testing.T) {
	t.Parallel()
	b := startBalanced(t, Options{})
	id := b.ok("createLoadBalancerRule", "name", "lb", "publicipid", b.ip, "publicport", "80", "privateport", "80", "algorithm", "roundrobin").object("loadbalancer")["id"].(string)
	r := b.job("updateLoadBalancerRule", "id", id, "name", "renamed", "algorithm", "leastconn")
	if r.body["errorcode"] != 530.0 || !strings.HasPrefix(r.text(), `Cannot invoke "String.equals(Object)"`) {
		t.Errorf("got %v", r.body)
	}
	shown := must(t, b.Cloud, "admin", "listLoadBalancerRules", "id", id).items("loadbalancerrule")[0]
	if shown["name"] != "renamed" || shown["algorithm"] != "leastconn" {
		t.Errorf("the change was not kept: %v", shown)
	}
	b.ok("updateLoadBalancerRule", "id", id, "protocol", "tcp")
}

func TestPolicyReplacesPolicy(t *testing.T) {
	t.Parallel()
	b := startBalanced(t, Options{})
	id := b.rule("80")
	b.ok("createLBStickinessPolicy", "lbruleid", id, "name", "one", "methodname", "LbCookie")
	b.ok("createLBStickinessPolicy", "lbruleid", id, "name", "two", "methodname", "SourceBased", "param[0].name", "expire", "param[0].value", "30m")
	wrapper := must(t, b.Cloud, "admin", "listLBStickinessPolicies", "lbruleid", id).items("stickinesspolicies")[0]
	policies, _ := wrapper["stickinesspolicy"].([]any)
	if len(policies) != 1 || policies[0].(map[string]any)["name"] != "two" {
		t.Errorf("policies: %v", policies)
	}
}

func TestMembersAreListed(t *testing.T) {
	t.Parallel()
	b := startBalanced(t, Options{})
	id := b.rule("80")
	b.ok("assignToLoadBalancerRule", "id", id, "vmidipmap[0].vmid", b.vms[1], "vmidipmap[0].vmip", "10.1.1.5")
	plain := must(t, b.Cloud, "admin", "listLoadBalancerRuleInstances", "id", id).items("loadbalancerruleinstance")
	if len(plain) != 1 || plain[0]["id"] != b.vms[1] {
		t.Errorf("members: %v", plain)
	}
	with := must(t, b.Cloud, "admin", "listLoadBalancerRuleInstances", "id", id, "lbvmips", "true").items("lbrulevmidip")
	if len(with) != 1 || fmt.Sprint(with[0]["lbvmipaddresses"]) != "[10.1.1.5]" {
		t.Errorf("members with addresses: %v", with)
	}
	if r := must(t, b.Cloud, "admin", "listLoadBalancerRuleInstances", "id", id, "applied", "false"); len(r.body) != 0 {
		t.Errorf("applied=false: %s", r.raw)
	}
}

func TestCIDRListIsShownAsStored(t *testing.T) {
	t.Parallel()
	b := startBalanced(t, Options{})
	id := b.rule("80", "cidrlist", "10.0.0.0/8,192.168.0.0/16")
	shown := func() any {
		return must(t, b.Cloud, "admin", "listLoadBalancerRules", "id", id).items("loadbalancerrule")[0]["cidrlist"]
	}
	if got := shown(); got != "10.0.0.0/8 192.168.0.0/16" {
		t.Errorf("after create: %v", got)
	}
	b.ok("updateLoadBalancerRule", "id", id, "cidrlist", "10.0.0.0/8,192.168.0.0/16")
	if got := shown(); got != "10.0.0.0/8,192.168.0.0/16" {
		t.Errorf("after update: %v", got)
	}
}

// pemOf is a certificate with its key as text.
func pemOf(t *testing.T, c tls.Certificate) (certificate, key string) {
	t.Helper()
	raw, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
}

func TestOthersRules(t *testing.T) {
	t.Parallel()
	b := startBalanced(t, Options{})
	id := b.rule("80")
	for command, kv := range map[string][]string{
		"updateLoadBalancerRule":        {"id", id, "name", "mine"},
		"deleteLoadBalancerRule":        {"id", id},
		"assignToLoadBalancerRule":      {"id", id, "virtualmachineids", b.vms[0]},
		"listLoadBalancerRuleInstances": {"id", id},
		"createLBStickinessPolicy":      {"lbruleid", id, "name", "s", "methodname", "LbCookie"},
		"createLoadBalancerRule":        {"publicipid", b.ip, "name", "x", "publicport", "81", "privateport", "80", "algorithm", "source"},
	} {
		if r := call(t, b.Cloud, "user", command, kv...); r.status != 531 {
			t.Errorf("%s on another's rule: %d %s", command, r.status, r.raw)
		}
	}
	if r := must(t, b.Cloud, "user", "listLoadBalancerRules"); len(r.body) != 0 {
		t.Errorf("a user sees another's rules: %s", r.raw)
	}
}

func TestFirewallRuleOfARule(t *testing.T) {
	t.Parallel()
	b := startBalanced(t, Options{})
	own := b.ok("createFirewallRule", "ipaddressid", b.ip, "protocol", "tcp", "startport", "80", "endport", "80").object("firewallrule")["id"].(string)
	id := b.rule("80") // uses the firewall rule that is there
	opened := b.rule("81")
	if r := call(t, b.Cloud, "admin", "createFirewallRule", "ipaddressid", b.ip, "protocol", "tcp", "startport", "81", "endport", "81"); r.status != 537 {
		t.Errorf("a second firewall rule for port 81: %d %s", r.status, r.raw)
	}
	b.ok("deleteLoadBalancerRule", "id", id)
	b.ok("deleteLoadBalancerRule", "id", opened)
	left := must(t, b.Cloud, "admin", "listFirewallRules").items("firewallrule")
	if len(left) != 1 || left[0]["id"] != own {
		t.Errorf("left: %v, want only the one made by hand", left)
	}
}
