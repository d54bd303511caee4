package guest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"mime"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/moldctl/moldctl/internal/cloudsim/guest/php"
	"github.com/moldctl/moldctl/internal/cloudsim/guest/vfs"
)

// web is how a web server of the guest is configured.
type web struct {
	unit   string
	ports  []uint16
	root   string
	index  []string
	php    bool
	access string // log file
	server string // Server header
}

// webConfig reads the settings that matter from the server's files.
func (m *Machine) webConfig(unit string) (web, error) {
	w := web{unit: unit, index: []string{"index.html"}}
	switch unit {
	case "nginx":
		w.server, w.access = "nginx", "/var/log/nginx/access.log"
		w.php = m.hasFile("/usr/sbin/php-fpm") || m.hasFile("/usr/sbin/php-fpm8.3")
		w.index = []string{"index.html", "index.htm", "index.php", "index.nginx-debian.html"}
		return w, m.readNginx(&w)
	case "apache2":
		w.server, w.access = "Apache/2.4.58 (Ubuntu)", "/var/log/apache2/access.log"
	default:
		w.server, w.access = "Apache/2.4.62 ("+m.os.name+")", "/var/log/httpd/access_log"
	}
	return w, m.readApache(&w)
}

func (m *Machine) hasFile(name string) bool {
	_, err := m.disk.Stat(vfs.Root(), name, true)
	return err == nil
}

// apacheFiles are read in the order of their inclusion.
func (m *Machine) apacheFiles(unit string) []string {
	if unit == "apache2" {
		return slices.Concat([]string{"/etc/apache2/apache2.conf", "/etc/apache2/ports.conf"}, m.confFiles("/etc/apache2/mods-enabled"), m.confFiles("/etc/apache2/conf-enabled"), m.confFiles("/etc/apache2/sites-enabled"))
	}
	return append([]string{"/etc/httpd/conf/httpd.conf"}, m.confFiles("/etc/httpd/conf.d")...)
}

func (m *Machine) confFiles(dir string) []string {
	list, err := m.disk.ReadDir(vfs.Root(), dir)
	if err != nil {
		return nil
	}
	var names []string
	for _, f := range list {
		if strings.HasSuffix(f.Name(), ".conf") {
			names = append(names, dir+"/"+f.Name())
		}
	}
	return names
}

// readApache understands Listen, DocumentRoot, DirectoryIndex and ServerTokens
// and refuses lines that are no directive at all.
func (m *Machine) readApache(w *web) error {
	for _, file := range m.apacheFiles(w.unit) {
		for n, line := range m.lines(file) {
			f := strings.Fields(line)
			if len(f) == 0 || strings.HasPrefix(f[0], "#") || strings.HasPrefix(f[0], "<") {
				continue
			}
			arg := ""
			if len(f) > 1 {
				arg = strings.Trim(f[1], `"`)
			}
			switch strings.ToLower(f[0]) {
			case "listen":
				port, err := strconv.ParseUint(arg[strings.LastIndex(arg, ":")+1:], 10, 16)
				if err != nil || port == 0 {
					return fmt.Errorf("AH00526: Syntax error on line %d of %s:\nPort must be specified", n+1, file)
				}
				w.ports = append(w.ports, uint16(port))
			case "documentroot":
				w.root = arg
			case "directoryindex":
				w.index = append(w.index, f[1:]...)
				if strings.HasSuffix(file, "php.conf") || strings.HasSuffix(file, "php8.3.conf") {
					// A module's settings come before those of the site.
					w.index = append(slices.Clone(f[1:]), w.index...)
				}
			}
			if strings.ContainsAny(f[0], "{};=") {
				return fmt.Errorf("AH00526: Syntax error on line %d of %s:\nInvalid command '%s', perhaps misspelled or defined by a module not included in the server configuration", n+1, file, f[0])
			}
		}
		w.php = w.php || strings.HasSuffix(file, "/php.conf") || strings.HasSuffix(file, "/php8.3.conf")
	}
	if w.root == "" {
		w.root = "/var/www/html"
	}
	if len(w.ports) == 0 {
		return errors.New("AH00451: no listening sockets available, shutting down")
	}
	return nil
}

// readNginx understands listen, root and index of the first server block.
func (m *Machine) readNginx(w *web) error {
	files := slices.Concat([]string{"/etc/nginx/nginx.conf"}, m.confFiles("/etc/nginx/conf.d"))
	depth := 0
	for _, file := range files {
		for _, line := range m.lines(file) {
			line, _, _ = strings.Cut(line, "#")
			depth += strings.Count(line, "{") - strings.Count(line, "}")
			for stmt := range strings.SplitSeq(strings.Trim(strings.TrimSpace(line), "{}"), ";") {
				f := strings.Fields(stmt)
				if len(f) < 2 {
					continue
				}
				switch f[0] {
				case "listen":
					port, err := strconv.ParseUint(f[1][strings.LastIndex(f[1], ":")+1:], 10, 16)
					if err == nil && !slices.Contains(w.ports, uint16(port)) {
						w.ports = append(w.ports, uint16(port))
					}
				case "root":
					w.root = f[1]
				case "index":
					w.index = append(slices.Clone(f[1:]), w.index...)
				}
			}
		}
		if depth != 0 {
			return fmt.Errorf("nginx: [emerg] unexpected end of file, expecting \"}\" in %s", file)
		}
	}
	if len(w.ports) == 0 {
		w.ports = []uint16{80}
	}
	if w.root == "" {
		w.root = "/usr/share/nginx/html"
	}
	return nil
}

// connListener hands connections of the guest to an http.Server.
type connListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
	addr  net.Addr
}

func (l *connListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *connListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *connListener) Addr() net.Addr { return l.addr }

// startWeb serves the document root on the configured ports.
func startWeb(_ context.Context, m *Machine, u unit) (func(), error) {
	w, err := m.webConfig(strings.TrimSuffix(u.name, ".service"))
	if err != nil {
		return nil, err
	}
	l := &connListener{conns: make(chan net.Conn, 511), done: make(chan struct{}), addr: &net.TCPAddr{IP: m.cfg.Address.AsSlice(), Port: int(w.ports[0])}}
	server := &http.Server{
		Handler: m.countRequests(w), ReadHeaderTimeout: 20 * time.Second, IdleTimeout: time.Minute,
		ErrorLog: log.New(&journalWriter{m: m, unit: u.name}, "", 0),
	}
	var opened []uint16
	stop := func() {
		for _, p := range opened {
			m.unlisten(p)
		}
		_ = l.Close()
		// Close, not Shutdown: requests that run are cut as by systemctl stop.
		_ = server.Close()
	}
	for _, port := range w.ports {
		err := m.listen(port, func(c net.Conn) {
			select {
			case l.conns <- c:
			case <-l.done:
				_ = c.Close()
			default:
				// The backlog is full.
				_ = c.Close()
			}
		})
		if err != nil {
			stop()
			return nil, fmt.Errorf("(98)Address already in use: AH00072: make_sock: could not bind to address [::]:%d: %w", port, err)
		}
		opened = append(opened, port)
	}
	m.spawn(func() {
		if err := server.Serve(l); err != nil && !errors.Is(err, net.ErrClosed) && !errors.Is(err, http.ErrServerClosed) {
			m.journal(u.name, err.Error())
		}
	})
	return stop, nil
}

// countRequests feeds the meter and the access log.
func (m *Machine) countRequests(w web) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		defer m.meter.begin()()
		rec := &recorder{ResponseWriter: rw, status: http.StatusOK}
		rec.Header().Set("Server", w.server)
		m.serveWeb(w, rec, r)
		host, _, err := net.SplitHostPort(r.RemoteAddr)
		if err != nil {
			host = r.RemoteAddr
		}
		m.accessLog(w.access, fmt.Sprintf("%s - - [%s] \"%s %s %s\" %d %d \"-\" %q\n", host, m.clock.Now().UTC().Format("02/Jan/2006:15:04:05 -0700"),
			r.Method, r.URL.RequestURI(), r.Proto, rec.status, rec.size, r.UserAgent()))
	})
}

// accessLogLimit is where the access log starts over: nobody rotates it here.
const accessLogLimit = 1 << 20

func (m *Machine) accessLog(name, line string) {
	flag := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	if info, err := m.disk.Stat(vfs.Root(), name, true); err == nil && info.Size() > accessLogLimit {
		flag = os.O_WRONLY | os.O_TRUNC
	}
	f, err := m.disk.OpenFile(vfs.Root(), name, flag, 0o644)
	if err != nil {
		return // no log directory, no log: as the real server would have refused to start only
	}
	_, _ = f.Write([]byte(line)) // a guest's file: cannot fail once open
}

type recorder struct {
	http.ResponseWriter
	status, size int
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	n, err := r.ResponseWriter.Write(p)
	r.size += n
	return n, err
}

func (m *Machine) serveWeb(w web, rw http.ResponseWriter, r *http.Request) {
	name := path.Join(w.root, path.Clean("/"+r.URL.Path))
	cred := vfs.Cred{UID: 65534, GID: 65534}
	if a, err := m.userNamed(m.webAccount(w)); err == nil {
		cred = m.credOf(a)
	}
	info, err := m.disk.Stat(cred, name, true)
	if err == nil && info.IsDir() {
		if !strings.HasSuffix(r.URL.Path, "/") {
			http.Redirect(rw, r, (&url.URL{Path: r.URL.Path + "/"}).String(), http.StatusMovedPermanently)
			return
		}
		found := ""
		for _, index := range w.index {
			if i, err := m.disk.Stat(cred, path.Join(name, index), true); err == nil && !i.IsDir() {
				found = path.Join(name, index)
				break
			}
		}
		if found == "" {
			m.httpError(w, rw, http.StatusForbidden)
			return
		}
		name = found
		info, err = m.disk.Stat(cred, name, true)
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		m.httpError(w, rw, http.StatusForbidden)
		return
	case err != nil:
		m.httpError(w, rw, http.StatusNotFound)
		return
	}
	data, err := m.disk.ReadFile(cred, name)
	if err != nil {
		m.httpError(w, rw, http.StatusForbidden)
		return
	}
	if path.Ext(name) == ".php" && w.php {
		m.servePHP(w, rw, r, name, string(data))
		return
	}
	kind := mime.TypeByExtension(path.Ext(name))
	if kind != "" {
		rw.Header().Set("Content-Type", kind)
	}
	http.ServeContent(rw, r, path.Base(name), info.ModTime(), strings.NewReader(string(data)))
}

func (m *Machine) webAccount(w web) string {
	if w.unit == "nginx" && m.os.family == rhel {
		return "nginx"
	}
	return m.os.webUser()
}

func (m *Machine) httpError(w web, rw http.ResponseWriter, status int) {
	text := http.StatusText(status)
	rw.Header().Set("Content-Type", "text/html; charset=iso-8859-1")
	rw.WriteHeader(status)
	fmt.Fprintf(rw, "<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">\n<html><head>\n<title>%d %s</title>\n</head><body>\n<h1>%s</h1>\n</body></html>\n", status, text, text)
}

// servePHP runs a page; one beyond the interpreter is served as text, marked.
func (m *Machine) servePHP(w web, rw http.ResponseWriter, r *http.Request, file, source string) {
	host, port, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host, port = r.RemoteAddr, "0"
	}
	env := m.phpEnv(file)
	env.Server = map[string]string{
		"SERVER_ADDR": m.cfg.Address.String(), "SERVER_PORT": strconv.Itoa(int(w.ports[0])), "SERVER_NAME": r.Host, "SERVER_SOFTWARE": w.server,
		"REMOTE_ADDR": host, "REMOTE_PORT": port, "HTTP_HOST": r.Host, "REQUEST_URI": r.URL.RequestURI(), "REQUEST_METHOD": r.Method,
		"QUERY_STRING": r.URL.RawQuery, "SCRIPT_NAME": r.URL.Path, "SCRIPT_FILENAME": file, "DOCUMENT_ROOT": w.root, "SERVER_PROTOCOL": r.Proto, "PHP_SELF": r.URL.Path,
	}
	for name, v := range r.Header {
		env.Server["HTTP_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))] = strings.Join(v, ", ")
	}
	env.Get = map[string]string{}
	for k, v := range r.URL.Query() {
		env.Get[k] = v[0]
	}
	env.Sleep = func(d time.Duration) { _ = m.clock.Sleep(r.Context(), d) }
	page, err := php.Run(source, env)
	if err != nil {
		rw.Header().Set("X-Moldctl-Guest", "php-unsupported")
		rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprint(rw, source)
		m.journal(w.unit, "PHP: "+file+": "+err.Error())
		return
	}
	rw.Header().Set("X-Powered-By", "PHP/"+env.Version)
	rw.Header().Set("Content-Type", "text/html; charset=UTF-8")
	for _, h := range page.Headers {
		name, value, _ := strings.Cut(h, ":")
		rw.Header().Set(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	if page.Status != 0 {
		rw.WriteHeader(page.Status)
	}
	fmt.Fprint(rw, page.Body)
}

// phpEnv is what PHP sees of the machine.
func (m *Machine) phpEnv(file string) php.Env {
	version := "8.0.30"
	if m.os.family == debian {
		version = "8.3.6"
	}
	return php.Env{
		Hostname: m.hostname(), Version: version, System: "Linux " + m.hostname() + " " + m.os.kernel + " #1 SMP PREEMPT_DYNAMIC x86_64", Kernel: m.os.kernel,
		Now: m.clock.Now().UTC(), File: file, Getenv: func(string) string { return "" }, Sleep: func(time.Duration) {},
		ReadFile: func(name string) (string, bool) {
			data, err := m.disk.ReadFile(vfs.Cred{UID: 48, GID: 48}, absolute(path.Dir(file), name))
			return string(data), err == nil
		},
	}
}

// cmdPhp is the command line of PHP.
func cmdPhp(ctx context.Context, p *proc) int {
	o := parse(p.args[1:], "r d f")
	env := p.m.phpEnv(p.path("-"))
	env.Sleep = func(d time.Duration) { _ = p.m.clock.Sleep(ctx, d) }
	env.Getenv = func(name string) string { return p.s.env[name] }
	var source string
	switch {
	case o.has("v", "version"):
		p.printf("PHP %s (cli) (NTS)\nCopyright (c) The PHP Group\n", env.Version)
		return 0
	case o.has("m"):
		p.printf("[PHP Modules]\nCore\ndate\njson\nstandard\n")
		return 0
	case o.has("r"):
		source = "<?php " + o.value("r")
	case o.has("l"), len(o.args) > 0, o.has("f"):
		name := append(o.args, o.value("f"))[0]
		data, err := p.read(name)
		if err != nil {
			p.printf("Could not open input file: %s\n", name)
			return 1
		}
		env.File = p.path(name)
		source = string(data)
	default:
		data, err := readAll(p.in)
		if err != nil {
			return p.fail("%v", err)
		}
		source = string(data)
	}
	page, err := php.Run(source, env)
	if err != nil {
		p.printf("PHP Parse error:  %v in %s\n", err, env.File)
		return 255
	}
	if o.has("l") {
		p.printf("No syntax errors detected in %s\n", o.args[0])
		return 0
	}
	p.printf("%s", page.Body)
	return 0
}
