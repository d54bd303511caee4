package guest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCommands(t *testing.T) {
	t.Parallel()
	m := boot(t, "rocky9")
	tests := map[string]struct {
		script, out string
		status      int
	}{
		"identity":           {"hostname; whoami; id -u; cat /etc/hostname", "web-1\nroot\n0\nweb-1\n", 0},
		"release":            {". /etc/os-release; echo $ID $VERSION_ID", "rocky 9.6\n", 0},
		"pipes":              {"printf 'b\\na\\nc\\n' | sort | head -2 | tr a-z A-Z", "A\nB\n", 0},
		"loops and tests":    {"for i in 1 2 3; do [ $i -eq 2 ] && continue; echo $i; done", "1\n3\n", 0},
		"functions":          {"f() { echo \"got $1\"; return 3; }; f x; echo $?", "got x\n3\n", 0},
		"here document":      {"cat <<E > /tmp/h\na $((1+2))\nE\ncat /tmp/h", "a 3\n", 0},
		"set -e stops":       {"set -e; false; echo no", "", 1},
		"sed in place":       {"printf 'port=1\\n' > /tmp/s; sed -i 's/^port=.*/port=80/' /tmp/s; cat /tmp/s", "port=80\n", 0},
		"sed ranges":         {"seq 5 | sed -n '2,4p' | sed '/3/d'", "2\n4\n", 0},
		"awk fields":         {"echo 'a:b:c' | awk -F: '{print $2, $NF}'", "b c\n", 0},
		"grep":               {"printf 'one\\ntwo\\n' | grep -n 'w'; echo x | grep -q y; echo $?", "2:two\n1\n", 0},
		"find and xargs":     {"mkdir -p /tmp/f/d; touch /tmp/f/a.txt /tmp/f/d/b.txt; find /tmp/f -name '*.txt' | xargs -n1 basename", "a.txt\nb.txt\n", 0},
		"modes":              {"touch /tmp/m; chmod 640 /tmp/m; stat -c '%a %U' /tmp/m; chmod u+x,o=r /tmp/m; stat -c %a /tmp/m", "640 root\n744\n", 0},
		"links":              {"echo x > /tmp/t; ln -sf /tmp/t /tmp/l; readlink /tmp/l; cat /tmp/l", "/tmp/t\nx\n", 0},
		"tar":                {"mkdir -p /tmp/tar/in; echo 1 > /tmp/tar/in/f; cd /tmp/tar; tar czf x.tgz in; rm -r in; tar xzf x.tgz; cat in/f", "1\n", 0},
		"sha256":             {"printf abc | sha256sum", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  -\n", 0},
		"base64":             {"echo hello | base64 | base64 -d", "hello\n", 0},
		"script with args":   {"printf '#!/bin/bash\\necho $0 $1\\n' > /tmp/x.sh; chmod +x /tmp/x.sh; /tmp/x.sh arg", "/tmp/x.sh arg\n", 0},
		"nested shell":       {"bash -c 'echo $1' _ arg; echo 'echo in' | sh -s; sh -c 'exit 7'", "arg\nin\n", 7},
		"not found":          {"nosuchcommand", "", 127},
		"command -v":         {"command -v ls; command -v nothing; echo $?", "/usr/bin/ls\n1\n", 0},
		"eval and tilde":     {"eval 'echo ~root ~nobody'; cd ~; pwd -P", "/root /\n/root\n", 0},
		"background":         {"(sleep 1; echo done) & wait", "done\n", 0},
		"env":                {"A=1 env | grep ^A=; export B=2; sh -c 'echo $B'", "A=1\n2\n", 0},
		"tee and append":     {"echo a | tee /tmp/tee; echo b | tee -a /tmp/tee > /dev/null; cat /tmp/tee", "a\na\nb\n", 0},
		"install":            {"echo x > /tmp/i; install -D -m 755 /tmp/i /opt/a/b; stat -c %a /opt/a/b", "755\n", 0},
		"users":              {"useradd -G wheel bob; id -un bob; su - bob -c 'whoami; pwd'; userdel -r bob; ls /home", "bob\nbob\n/home/bob\nrocky\n", 0},
		"timeout":            {"timeout 1 sleep 5; echo $?", "0\n", 0},
		"cloud-init":         {"cloud-init status --wait", "status: done\n", 0},
		"rpm":                {"rpm -q bash nothing", "bash-5.1.8-9.el9.x86_64\npackage nothing is not installed\n", 1},
		"no such package":    {"dnf -y install nosuch 2>&1 | tail -1", "Error: Unable to find a match: nosuch\n", 0},
		"firewall":           {"firewall-cmd --list-services; firewall-cmd --add-port=8080/tcp; firewall-cmd --query-port=8080/tcp; firewall-cmd --reload; firewall-cmd --query-port=8080/tcp", "cockpit dhcpv6-client ssh\nsuccess\nyes\nsuccess\nno\n", 1},
		"wrong service":      {"firewall-cmd --add-service=htpp", "", 101},
		"time zone of files": {"touch -d '2026-01-02 03:04:05' /tmp/d; stat -c %y /tmp/d", "2026-01-02 03:04:05.000000000 +0000\n", 0},
		"date":               {"date -d @0 +%Y-%m-%dT%H:%M:%SZ", "1970-01-01T00:00:00Z\n", 0},
		"random letters":     {"tr -dc 'a-z' < /dev/urandom | head -c 8 | wc -c; head -c 12 /dev/urandom | base64 | wc -c", "8\n17\n", 0},
		"endless input":      {"yes | head -2; cat /dev/zero | head -c 3 | wc -c", "y\ny\n3\n", 0},
		"php":                {"dnf -qy install php-cli > /dev/null; php -r 'echo 1+2;'", "3", 0},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			r := as(t, m, "root", tc.script)
			if diff := cmp.Diff(tc.out, r.out); diff != "" || r.status != tc.status {
				t.Errorf("status %d, want %d (-want +got):\n%s\n%s", r.status, tc.status, diff, r.err)
			}
		})
	}
}

// TestHostIsOutOfReach tries every way out of the guest that is known.
func TestHostIsOutOfReach(t *testing.T) {
	host := t.TempDir()
	secret := filepath.Join(host, "secret")
	if err := os.WriteFile(secret, []byte("host secret"), 0o755); err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(host, "run.sh")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho host secret\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOST_SECRET", "host secret")
	t.Setenv("PATH", host+":"+os.Getenv("PATH"))
	before := dirNames(t, host)
	temp := dirNames(t, os.TempDir())
	m := boot(t, "rocky9")
	for _, attempt := range []string{
		"cat " + secret, "source " + script, ". run.sh", script, "run.sh", "sh " + script, "$(<" + secret + ")", "read x < " + secret + "; echo $x",
		"cd " + host, "ls " + host, "[ -e " + secret + " ] && echo host secret", "[[ -f " + secret + " ]] && echo host secret",
		"echo " + host + "/*ecret", "mapfile -t a < " + secret + "; echo ${a[0]}", "command -v run.sh && echo host secret", "type run.sh && echo host secret",
		"env; set; export -p", "echo $HOST_SECRET", "eval 'cat " + secret + "'", "trap 'cat " + secret + "' EXIT", "exec cat " + secret, "builtin source " + script,
		"command . " + script, "PATH=" + host + " run.sh", "PATH=" + host + " . run.sh", "(cd " + host + " && pwd -P)", "pushd " + host, "echo x > " + host + "/new", "touch " + host + "/new",
		"cat <(cat " + secret + ")", "TMPDIR=" + host + " bash -c 'cat <(echo x)'", "echo x > >(cat)", "mkdir -p " + host + "/dir", "rm -rf " + host, "find / -name secret | xargs cat", "tar cf - " + host, "kill -9 $$", "cp /etc/passwd " + secret,
	} {
		r := as(t, m, "root", attempt)
		if strings.Contains(r.out+r.err, "host secret") || strings.Contains(r.out, filepath.Base(secret)+"\n") && strings.HasPrefix(attempt, "ls") {
			t.Errorf("%s: %+v", attempt, r)
		}
	}
	// Process substitution needs a named pipe of the host: it must fail.
	if r := as(t, m, "root", "cat <(echo x)"); r.status == 0 {
		t.Errorf("process substitution: %+v", r)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	if r := as(t, m, "rocky", "echo ~ $HOME $UID; (echo ~daemon ~sys ~games) & wait"); strings.Contains(r.out, home) && home != "/home/rocky" || strings.Contains(r.out, "/usr/games") {
		t.Errorf("home of the host: %q", r.out)
	}
	if diff := cmp.Diff(before, dirNames(t, host)); diff != "" {
		t.Errorf("the host's folder changed:\n%s", diff)
	}
	for _, name := range dirNames(t, os.TempDir()) {
		if strings.Contains(name, "sh-interp-") && !strings.Contains(strings.Join(temp, "\n"), name) {
			t.Errorf("left on the host: %s", name)
		}
	}
	if out := mustRun(t, m, "ls /"); out != "bin\nboot\ndev\netc\nhome\nlib\nlib64\nmedia\nmnt\nopt\nproc\nroot\nrun\nsbin\nsrv\nsys\ntmp\nusr\nvar\n" {
		t.Errorf("ls / shows %q", out)
	}
}

func dirNames(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

func TestOrdinaryUser(t *testing.T) {
	t.Parallel()
	m := boot(t, "rocky9")
	tests := map[string]struct {
		script string
		status int
		want   string // part of standard error
	}{
		"write to /etc":     {"echo x > /etc/x", 1, "Permission denied"},
		"install":           {"dnf -y install httpd", 1, "superuser privileges"},
		"shadow":            {"cat /etc/shadow", 1, "Permission denied"},
		"systemctl":         {"systemctl stop sshd", 1, "authentication required"},
		"sudo":              {"sudo cat /etc/shadow > /dev/null", 0, ""},
		"sudo tee":          {"echo x | sudo tee /etc/x > /dev/null && cat /etc/x", 0, ""},
		"sudo with builtin": {"sudo sh -c 'cd /root && test -d .ssh || mkdir .ssh'", 0, ""},
		"sudo -u":           {"[ $(sudo -u nobody whoami) = nobody ]", 0, ""},
		"own home":          {"cd && echo x > f && cat f", 0, ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			r := as(t, m, "rocky", tc.script)
			if r.status != tc.status || !strings.Contains(r.err, tc.want) {
				t.Errorf("%+v, want status %d and %q", r, tc.status, tc.want)
			}
		})
	}
	mustRun(t, m, "useradd -m eve")
	if r := as(t, m, "eve", "sudo whoami"); r.status == 0 || !strings.Contains(r.err, "not in the sudoers file") {
		t.Errorf("sudo of a user without rights: %+v", r)
	}
}
