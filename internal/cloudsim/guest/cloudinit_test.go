package guest

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func gz(t *testing.T, text string) string {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

func TestUserData(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ data, check, want string }{
		"script":      {"#!/bin/bash\necho \"on $(hostname)\" > /root/out\n", "cat /root/out", "on web-1\n"},
		"gzip":        {gz(t, "#!/bin/sh\necho zipped > /root/out\n"), "cat /root/out", "zipped\n"},
		"packages":    {"#cloud-config\npackages: [httpd, php]\nruncmd:\n  - systemctl enable --now httpd\n", "systemctl is-active httpd; rpm -q php | cut -c1-3", "active\nphp\n"},
		"run forms":   {"#cloud-config\nruncmd:\n  - echo one >> /root/out\n  - [sh, -c, 'echo \"two  words\" >> /root/out']\n", "cat /root/out", "one\ntwo  words\n"},
		"boot first":  {"#cloud-config\nbootcmd:\n  - echo boot >> /root/out\nruncmd:\n  - echo run >> /root/out\n", "cat /root/out", "boot\nrun\n"},
		"write files": {"#cloud-config\nwrite_files:\n- path: /opt/a\n  content: |\n    text\n  permissions: 0640\n- path: /opt/b\n  encoding: b64\n  content: " + base64.StdEncoding.EncodeToString([]byte("bin")) + "\n  permissions: '0755'\n  owner: nobody:nobody\n- path: /opt/a\n  append: true\n  content: more\n- path: /opt/c\n  encoding: gz+b64\n  content: " + base64.StdEncoding.EncodeToString([]byte(gz(t, "zip"))) + "\n", "cat /opt/a /opt/b /opt/c; stat -c ' %a %U' /opt/a /opt/b", "text\nmorebinzip 644 root\n 755 nobody\n"},
		"host name":   {"#cloud-config\nhostname: named\n", "hostname", "named\n"},
		"users":       {"#cloud-config\nusers:\n- default\n- name: ops\n  groups: wheel\n  sudo: ALL=(ALL) NOPASSWD:ALL\n  ssh_authorized_keys: [ssh-ed25519 AAAA ops]\n", "cat /home/ops/.ssh/authorized_keys; su ops -c 'sudo whoami'; id -un rocky", "ssh-ed25519 AAAA ops\nroot\nrocky\n"},
		"keys":        {"#cloud-config\nssh_authorized_keys:\n- ssh-ed25519 BBBB me\n", "cat /home/rocky/.ssh/authorized_keys", "ssh-ed25519 BBBB me\n"},
		"log":         {"#!/bin/sh\necho to the log\n", "grep -c 'to the log' /var/log/cloud-init-output.log", "1\n"},
		"multipart": {"Content-Type: multipart/mixed; boundary=\"B\"\nMIME-Version: 1.0\n\n--B\nContent-Type: text/cloud-config\n\n#cloud-config\nwrite_files:\n- {path: /root/a, content: first}\n--B\nContent-Type: text/x-shellscript\nContent-Transfer-Encoding: base64\n\n" +
			base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\necho second > /root/b\n")) + "\n--B--\n", "cat /root/a /root/b", "firstsecond\n"},
		"groups":                            {"#cloud-config\ngroups: [deploy, {ops: [root]}]\nusers: [{name: ann, groups: deploy}]\n", "id -Gn ann; getent group ops | cut -d: -f1", "ann deploy\nops\n"},
		"gzip of parts":                     {gz(t, "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=B\n\n--B\nContent-Type: text/x-shellscript\n\n#!/bin/sh\necho in > /root/out\n--B--\n"), "cat /root/out", "in\n"},
		"boothook":                          {"#cloud-boothook\n#!/bin/sh\necho hook >> /root/out\n", "cat /root/out", "hook\n"},
		"power state whose condition fails": {"#cloud-config\npower_state: {mode: poweroff, condition: test -e /nowhere}\n", "cloud-init status", "status: done\n"},
		"power state switched off":          {"#cloud-config\npower_state: {mode: reboot, condition: false}\n", "cloud-init status", "status: done\n"},
		"nothing":                           {"", "cloud-init status", "status: done\n"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := boot(t, "rocky9", userData(tc.data))
			if diff := cmp.Diff(tc.want, as(t, m, "root", tc.check).out); diff != "" {
				t.Errorf("-want +got:\n%s\n%s", diff, mustRun(t, m, "cat "+initLog))
			}
		})
	}
}

func TestBadUserData(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]string{
		"not yaml":        "#cloud-config\n a: [b\n",
		"a list":          "#cloud-config\n- a\n",
		"unknown kind":    "hello",
		"failing script":  "#!/bin/sh\nexit 3\n",
		"bad mode":        "#cloud-config\nwrite_files:\n- {path: /a, permissions: rwx}\n",
		"torn gzip":       "\x1f\x8b\x08",
		"include":         "#include\nhttp://10.1.1.9/data\n",
		"template":        "## template: jinja\n#cloud-config\n",
		"archive":         "#cloud-config-archive\n- x\n",
		"unknown power":   "#cloud-config\npower_state: {mode: sleep}\n",
		"unknown delay":   "#cloud-config\npower_state: {mode: reboot, delay: soon}\n",
		"missing package": "#cloud-config\npackages: [nosuch]\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := boot(t, "rocky9", userData(data))
			if err := m.WaitInit(t.Context()); err == nil {
				t.Error("no error")
			}
			if r := as(t, m, "root", "cloud-init status"); r.out != "status: error\n" || r.status != 1 {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestFirstBootOnly(t *testing.T) {
	t.Parallel()
	m := boot(t, "ubuntu2404", userData("#cloud-config\nbootcmd: [echo boot >> /root/boot]\nruncmd: [echo run >> /root/run]\n"))
	for range 2 {
		if err := m.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := m.Boot(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := m.WaitInit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if out := mustRun(t, m, "cat /root/boot /root/run"); out != strings.Repeat("boot\n", 3)+"run\n" {
		t.Errorf("got %q", out)
	}
	mustRun(t, m, "cloud-init clean")
	if err := m.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.Boot(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.WaitInit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if out := mustRun(t, m, "cat /root/run"); out != "run\nrun\n" {
		t.Errorf("after cloud-init clean: %q", out)
	}
}

// TestRefusedUserDataSaysWhy looks for the reason where an operator looks for it.
func TestRefusedUserDataSaysWhy(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		"#include\nhttp://10.1.1.9/data\n": "#include is refused: an embedded guest has no world to fetch user data from",
		"#part-handler\n":                  "#part-handler is refused",
		"hello":                            "Unhandled non-multipart (text/x-not-multipart) userdata: 'hello...'",
	} {
		m := boot(t, "rocky9", userData(data))
		if log := mustRun(t, m, "cat "+initLog); !strings.Contains(log, want) {
			t.Errorf("%q: the log does not say %q:\n%s", data, want, log)
		}
	}
}

// TestPowerState: the machine goes down when its first boot is done, and stays up after the next.
func TestPowerState(t *testing.T) {
	t.Parallel()
	off := make(chan bool, 1)
	m := boot(t, "rocky9", func(c *Config) {
		c.UserData = []byte("#cloud-config\npower_state: {mode: poweroff, delay: now, condition: test -e /root/done}\nruncmd: [touch /root/done]\n")
		c.Power = func(again bool) { off <- again }
	})
	select {
	case again := <-off:
		if again || m.Running() {
			t.Errorf("again %v, running %v; want a machine that is off", again, m.Running())
		}
	case <-t.Context().Done():
		t.Fatal("the machine stayed on")
	}
	if err := m.Boot(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.WaitInit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !m.Running() {
		t.Error("the second boot powered the machine off again")
	}
	if log := mustRun(t, m, "cat "+initLog); strings.Count(log, "shutdown -P now") != 1 {
		t.Errorf("log:\n%s", log)
	}
}
