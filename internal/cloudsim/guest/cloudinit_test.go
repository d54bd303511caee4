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
		"nothing": {"", "cloud-init status", "status: done\n"},
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
