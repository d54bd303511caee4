package imagebuilder

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/zclconf/go-cty/cty"
	"golang.org/x/crypto/ssh"

	"github.com/moldctl/moldctl/sdk"
	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/cloudstack/apifake"
)

// smallCloud is a cloud with one network, and a guest behind whatever port is forwarded.
type smallCloud struct {
	*apifake.API
	t     *testing.T
	guest *fakeGuest

	machines, templates, forwards, firewall, keys, snapshots []apifake.Object
	profiles                                                 []apifake.Object
	deployFails                                              bool
}

// fakeGuest is an SSH server that takes note of what it is told to do.
type fakeGuest struct {
	user    string // who may log in
	answer  func(script, stdin string) (out string, status int)
	mu      sync.Mutex // guards scripts and key
	scripts []string
	key     string // authorized
}

func newSmallCloud(t *testing.T) *smallCloud {
	s := &smallCloud{API: apifake.New(), t: t, guest: &fakeGuest{user: "rocky"}}
	rows := func(list, key string, objects *[]apifake.Object) {
		s.On(list, func(p url.Values) apifake.Answer {
			var out []apifake.Object
			for _, o := range *objects {
				if (!p.Has("id") || o["id"] == p.Get("id")) && (!p.Has("name") || o["name"] == p.Get("name")) && (!p.Has("templateid") || o["templateid"] == p.Get("templateid")) {
					out = append(out, o)
				}
			}
			if p.Has("id") && len(out) == 0 {
				return apifake.Unknown("id")
			}
			return apifake.List(key, out...)
		})
	}
	rows("listVirtualMachines", "virtualmachine", &s.machines)
	rows("listTemplates", "template", &s.templates)
	rows("listPortForwardingRules", "portforwardingrule", &s.forwards)
	rows("listFirewallRules", "firewallrule", &s.firewall)
	rows("listSSHKeyPairs", "sshkeypair", &s.keys)
	rows("listAutoScaleVmProfiles", "autoscalevmprofile", &s.profiles)
	s.Always("listLoadBalancerRules", apifake.List("loadbalancerrule"))
	s.Always("listPublicIpAddresses", apifake.List("publicipaddress", apifake.Object{"id": "ip-nat", "ipaddress": "127.0.0.1", "issourcenat": true}))
	s.Always("listVolumes", apifake.List("volume", apifake.Object{"id": "vol-1", "type": "ROOT"}))
	s.On("registerSSHKeyPair", func(p url.Values) apifake.Answer {
		s.guest.mu.Lock()
		s.guest.key = p.Get("publickey")
		s.guest.mu.Unlock()
		s.keys = append(s.keys, apifake.Object{"name": p.Get("name")})
		return apifake.Make("keypair", apifake.Object{"name": p.Get("name")})
	})
	s.On("deleteSSHKeyPair", func(p url.Values) apifake.Answer {
		s.keys = slices.DeleteFunc(s.keys, func(o apifake.Object) bool { return o["name"] == p.Get("name") })
		return apifake.OK()
	})
	s.On("deployVirtualMachine", func(p url.Values) apifake.Answer {
		o := apifake.Object{"id": "vm-1", "name": p.Get("name"), "state": "Running", "templateid": p.Get("templateid")}
		s.machines = append(s.machines, o)
		if s.deployFails {
			o["state"] = "Error"
			return apifake.Fail("vm-1", 533, "No destination found")
		}
		return apifake.Start("virtualmachine", o)
	})
	s.On("stopVirtualMachine", func(p url.Values) apifake.Answer {
		s.machines[0]["state"] = "Stopped"
		return apifake.Start("virtualmachine", s.machines[0])
	})
	s.On("destroyVirtualMachine", drop(&s.machines))
	s.On("createPortForwardingRule", s.forward)
	s.On("deletePortForwardingRule", drop(&s.forwards))
	s.On("createFirewallRule", func(url.Values) apifake.Answer {
		o := apifake.Object{"id": "fw-1"}
		s.firewall = append(s.firewall, o)
		return apifake.Start("firewallrule", o)
	})
	s.On("deleteFirewallRule", drop(&s.firewall))
	s.On("createVMSnapshot", func(p url.Values) apifake.Answer {
		s.snapshots = append(s.snapshots, apifake.Object{"id": "snap-1"})
		return apifake.Start("vmsnapshot", s.snapshots[0])
	})
	s.On("createTemplate", func(p url.Values) apifake.Answer {
		o := apifake.Object{
			"id": "tmpl-" + p.Get("name"), "name": p.Get("name"), "displaytext": p.Get("displaytext"), "ostypeid": p.Get("ostypeid"), "isready": true,
			"ispublic": p.Get("ispublic") == "true", "isfeatured": p.Get("isfeatured") == "true", "passwordenabled": p.Get("passwordenabled") == "true",
			"isdynamicallyscalable": p.Get("isdynamicallyscalable") == "true", "requireshvm": p.Get("requireshvm") == "true",
			"details": apifake.Object{"moldctl.fingerprint": p.Get("details[0].moldctl.fingerprint")},
		}
		s.templates = append(s.templates, o)
		return apifake.Start("template", o)
	})
	s.On("updateTemplate", func(p url.Values) apifake.Answer {
		for _, o := range s.templates {
			if o["id"] == p.Get("id") && p.Has("displaytext") {
				o["displaytext"] = p.Get("displaytext")
			}
		}
		return apifake.Make("template", apifake.Object{"id": p.Get("id"), "isready": false}) // as falsely as the real one
	})
	s.Always("updateTemplatePermissions", apifake.OK())
	s.On("deleteTemplate", drop(&s.templates))
	return s
}

func drop(objects *[]apifake.Object) func(url.Values) apifake.Answer {
	return func(p url.Values) apifake.Answer {
		*objects = slices.DeleteFunc(*objects, func(o apifake.Object) bool { return o["id"] == p.Get("id") })
		return apifake.Done()
	}
}

// forward makes the guest reachable where the rule says.
func (s *smallCloud) forward(p url.Values) apifake.Answer {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", p.Get("publicport")))
	if err != nil {
		return apifake.Refuse(537, "The range specified conflicts with rule")
	}
	s.t.Cleanup(func() { listener.Close() })
	go s.guest.serve(s.t, listener)
	o := apifake.Object{"id": "pf-1", "publicport": p.Get("publicport")}
	s.forwards = append(s.forwards, o)
	return apifake.Start("portforwardingrule", o)
}

func (g *fakeGuest) serve(t *testing.T, listener net.Listener) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Error(err)
		return
	}
	host, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Error(err)
		return
	}
	config := &ssh.ServerConfig{PublicKeyCallback: func(c ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		g.mu.Lock()
		defer g.mu.Unlock()
		allowed, _, _, _, err := ssh.ParseAuthorizedKey([]byte(g.key))
		if err != nil || c.User() != g.user || !bytes.Equal(allowed.Marshal(), key.Marshal()) {
			return nil, io.EOF
		}
		return &ssh.Permissions{}, nil
	}}
	config.AddHostKey(host)
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			_, channels, requests, err := ssh.NewServerConn(conn, config)
			if err != nil {
				return
			}
			go ssh.DiscardRequests(requests)
			for c := range channels {
				if c.ChannelType() != "session" {
					if c.Reject(ssh.Prohibited, "no forwarding") != nil {
						return
					}
					continue
				}
				g.session(c)
			}
		}()
	}
}

// session runs one command.
func (g *fakeGuest) session(c ssh.NewChannel) {
	channel, requests, err := c.Accept()
	if err != nil {
		return
	}
	defer channel.Close()
	for r := range requests {
		if r.Type != "exec" {
			continue
		}
		script := string(r.Payload[4:])
		if r.Reply(true, nil) != nil {
			return
		}
		var stdin []byte
		if strings.Contains(script, "cat >") {
			if stdin, err = io.ReadAll(channel); err != nil {
				return
			}
		}
		out, status := g.do(script, string(stdin))
		if _, err := io.WriteString(channel, out); err != nil {
			return
		}
		if _, err := channel.SendRequest("exit-status", false, []byte{0, 0, 0, byte(status)}); err != nil {
			return
		}
		return
	}
}

func (g *fakeGuest) do(script, stdin string) (string, int) {
	g.mu.Lock()
	g.scripts = append(g.scripts, script)
	g.mu.Unlock()
	switch {
	case strings.Contains(script, "id -u"):
		return "0\n", 0
	case g.answer != nil:
		return g.answer(script, stdin)
	case strings.Contains(script, "curl"):
		return "hello\n200", 0
	}
	return "", 0
}

// ran are the scripts the guest was given.
func (g *fakeGuest) ran() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return strings.Join(g.scripts, "\n----\n")
}

func (s *smallCloud) request(k *kept, resume ...cloudstack.Settled) *sdk.Request {
	s.t.Helper()
	c, err := s.Client(resume...)
	if err != nil {
		s.t.Fatal(err)
	}
	r := &sdk.Request{
		Type: "image", Address: "image.web", Cloud: c, Progress: s.t.Logf, Identity: cloudstack.CallerIdentity{MayExpunge: true},
		Lookups: map[string]cloudstack.Object{
			"source.template": {"id": "tmpl-base", "name": "Rocky Linux 9", "ostypeid": "os-rocky"},
			"source.network":  {"id": "net-1", "name": "web", "type": "Isolated", "zoneid": "zone-id", "networkofferingid": "no-1"},
			"source.offering": {"id": "so-1"},
		},
		Resume: map[string]cloudstack.Settled{},
	}
	for _, x := range resume {
		r.Resume[x.Key] = x
	}
	if k != nil {
		if r.Private, err = json.Marshal(k); err != nil {
			s.t.Fatal(err)
		}
	}
	return r
}

// pipelineOf is a pipeline value as the host makes it.
func pipelineOf(digest string, steps ...map[string]cty.Value) cty.Value {
	values := make([]cty.Value, len(steps))
	for i, s := range steps {
		values[i] = cty.ObjectVal(s)
	}
	return cty.ObjectVal(map[string]cty.Value{"name": cty.StringVal("httpd"), "digest": cty.StringVal(digest), "steps": cty.TupleVal(values)})
}

func words(list ...string) cty.Value {
	var out []cty.Value
	for _, w := range list {
		out = append(out, cty.StringVal(w))
	}
	return cty.ListVal(out)
}

func wanted() Image {
	return Image{
		Name: "rocky9-web", Description: "Rocky with Apache", RequiresHVM: true, Public: true,
		Source: Source{Template: "Rocky Linux 9", Offering: "Medium Instance", Network: "net-1"},
		Pipeline: pipelineOf("d1",
			map[string]cty.Value{"kind": cty.StringVal("package"), "label": cty.StringVal("install"), "name": cty.StringVal("install"), "names": words("httpd", "php")},
			map[string]cty.Value{"kind": cty.StringVal("file"), "label": cty.StringVal("index"), "path": cty.StringVal("/var/www/html/index.php"), "content": cty.StringVal("<?php echo 'it''s'; ?>\n"), "mode": cty.StringVal("0640")},
			map[string]cty.Value{"kind": cty.StringVal("service"), "label": cty.StringVal("httpd"), "name": cty.StringVal("httpd")},
			map[string]cty.Value{"kind": cty.StringVal("http"), "label": cty.StringVal("serves"), "port": cty.NumberIntVal(80), "expect_body": cty.StringVal("hello")},
		),
	}
}
