package guest

import (
	"slices"
	"strings"
)

// pkg is a package of a distribution.
type pkg struct {
	name     string
	version  string
	size     string
	deps     string            // names
	programs string            // paths below /usr with the built-in program: bin/x, sbin/x=daemon
	files    map[string]string // text files; "%" at the end of a path: only if missing
	units    string            // unit=executable, unit=executable
	user     string            // account of the service
	dirs     string
}

const httpdConf = `# This is the main Apache HTTP server configuration file.
ServerRoot "/etc/httpd"
Listen 80
Include conf.modules.d/*.conf
User apache
Group apache
DocumentRoot "/var/www/html"
<IfModule dir_module>
    DirectoryIndex index.html
</IfModule>
ErrorLog "logs/error_log"
IncludeOptional conf.d/*.conf
`

const apacheConf = `# This is the main Apache server configuration file.
User www-data
Group www-data
ErrorLog /var/log/apache2/error.log
IncludeOptional mods-enabled/*.load
Include ports.conf
IncludeOptional conf-enabled/*.conf
IncludeOptional sites-enabled/*.conf
`

const nginxConf = `user nginx;
worker_processes auto;
http {
    include /etc/nginx/conf.d/*.conf;
    server {
        listen       80;
        server_name  _;
        root         /usr/share/nginx/html;
    }
}
`

const phpConf = "# PHP is handled for .php files\nDirectoryIndex index.php index.html\nAddType text/html .php\n"

// rhelPackages is what dnf knows beside what is installed.
var rhelPackages = []pkg{
	{name: "httpd", version: "2.4.62-4.el9", size: "49 k", deps: "httpd-core httpd-tools rocky-logos-httpd mod_lua mailcap", programs: "sbin/httpd sbin/apachectl",
		files: map[string]string{"/etc/httpd/conf/httpd.conf": httpdConf}, units: "httpd=/usr/sbin/httpd -DFOREGROUND", user: "apache",
		dirs: "/var/www/html /var/www/cgi-bin /var/log/httpd /etc/httpd/conf.d /etc/httpd/conf.modules.d"},
	{name: "httpd-core", version: "2.4.62-4.el9", size: "1.4 M", deps: "httpd-filesystem apr apr-util"},
	{name: "httpd-tools", version: "2.4.62-4.el9", size: "81 k"},
	{name: "httpd-filesystem", version: "2.4.62-4.el9", size: "12 k"},
	{name: "rocky-logos-httpd", version: "90.16-1.el9", size: "24 k"},
	{name: "apr", version: "1.7.0-12.el9_3", size: "122 k"},
	{name: "apr-util", version: "1.6.1-23.el9", size: "94 k"},
	{name: "mod_lua", version: "2.4.62-4.el9", size: "58 k"},
	{name: "mod_ssl", version: "1:2.4.62-4.el9", size: "109 k", deps: "httpd"},
	{name: "mailcap", version: "2.1.49-5.el9", size: "32 k"},
	{name: "php", version: "8.0.30-3.el9", size: "7.7 k", deps: "php-common php-fpm php-cli php-opcache php-xml php-mbstring nginx-filesystem libxslt", files: map[string]string{"/etc/httpd/conf.d/php.conf": phpConf}},
	{name: "php-common", version: "8.0.30-3.el9", size: "665 k"},
	{name: "php-cli", version: "8.0.30-3.el9", size: "3.1 M", deps: "php-common", programs: "bin/php"},
	{name: "php-fpm", version: "8.0.30-3.el9", size: "1.6 M", deps: "php-common", programs: "sbin/php-fpm", units: "php-fpm=/usr/sbin/php-fpm --nodaemonize", files: map[string]string{"/etc/httpd/conf.d/php.conf%": phpConf}},
	{name: "php-opcache", version: "8.0.30-3.el9", size: "509 k"},
	{name: "php-xml", version: "8.0.30-3.el9", size: "131 k"},
	{name: "php-mbstring", version: "8.0.30-3.el9", size: "468 k"},
	{name: "php-mysqlnd", version: "8.0.30-3.el9", size: "148 k", deps: "php-pdo"},
	{name: "php-pdo", version: "8.0.30-3.el9", size: "81 k", deps: "php-common"},
	{name: "php-gd", version: "8.0.30-3.el9", size: "38 k", deps: "php-common"},
	{name: "php-json", version: "8.0.30-3.el9", size: "10 k", deps: "php-common"},
	{name: "libxslt", version: "1.1.34-13.el9_6", size: "237 k"},
	{name: "nginx-filesystem", version: "2:1.20.1-22.el9", size: "8.6 k"},
	{name: "nginx", version: "2:1.20.1-22.el9", size: "36 k", deps: "nginx-core nginx-filesystem", programs: "sbin/nginx", user: "nginx",
		files: map[string]string{"/etc/nginx/nginx.conf": nginxConf, "/usr/share/nginx/html/index.html": "<html><head><title>Test Page for the HTTP Server</title></head><body><h1>nginx</h1></body></html>\n"},
		units: "nginx=/usr/sbin/nginx", dirs: "/etc/nginx/conf.d /var/log/nginx"},
	{name: "nginx-core", version: "2:1.20.1-22.el9", size: "566 k"},
	{name: "mariadb-server", version: "3:10.5.27-1.el9", size: "9.4 M", deps: "mariadb mariadb-common", programs: "libexec/mariadbd=mariadbd", units: "mariadb=/usr/libexec/mariadbd", user: "mysql", dirs: "/var/lib/mysql"},
	{name: "mariadb", version: "3:10.5.27-1.el9", size: "1.6 M", deps: "mariadb-common", programs: "bin/mysql=daemon"},
	{name: "mariadb-common", version: "3:10.5.27-1.el9", size: "28 k"},
	{name: "redis", version: "6.2.17-1.el9", size: "1.3 M", programs: "bin/redis-server bin/redis-cli=daemon", units: "redis=/usr/bin/redis-server /etc/redis/redis.conf", user: "redis", files: map[string]string{"/etc/redis/redis.conf": "port 6379\nbind 127.0.0.1\n"}},
	{name: "memcached", version: "1.6.9-7.el9", size: "148 k", programs: "bin/memcached", units: "memcached=/usr/bin/memcached", user: "memcached"},
	{name: "haproxy", version: "2.4.22-4.el9", size: "2.2 M", programs: "sbin/haproxy=daemon", units: "haproxy=/usr/sbin/haproxy -Ws"},
	{name: "nfs-utils", version: "1:2.5.4-34.el9", size: "431 k"},
	{name: "git", version: "2.47.1-2.el9", size: "50 k", deps: "git-core perl-Git"},
	{name: "git-core", version: "2.47.1-2.el9", size: "4.6 M"},
	{name: "perl-Git", version: "2.47.1-2.el9", size: "37 k"},
	{name: "wget", version: "1.21.1-8.el9", size: "772 k", programs: "bin/wget"},
	{name: "unzip", version: "6.0-58.el9", size: "180 k"},
	{name: "zip", version: "3.0-35.el9", size: "263 k"},
	{name: "bzip2", version: "1.0.8-10.el9", size: "52 k"},
	{name: "vim-enhanced", version: "2:8.2.2637-22.el9", size: "1.7 M", deps: "vim-common"},
	{name: "vim-common", version: "2:8.2.2637-22.el9", size: "6.6 M"},
	{name: "nano", version: "5.6.1-6.el9", size: "690 k"},
	{name: "tmux", version: "3.2a-5.el9", size: "475 k"},
	{name: "rsync", version: "3.2.5-3.el9", size: "402 k"},
	{name: "jq", version: "1.6-17.el9", size: "186 k"},
	{name: "bind-utils", version: "32:9.16.23-29.el9", size: "199 k"},
	{name: "net-tools", version: "2.0-0.64.el9", size: "294 k"},
	{name: "lvm2", version: "9:2.03.28-6.el9", size: "1.5 M"},
	{name: "cloud-utils-growpart", version: "0.33-1.el9", size: "31 k"},
	{name: "epel-release", version: "9-7.el9", size: "19 k"},
	{name: "policycoreutils-python-utils", version: "3.6-2.1.el9", size: "71 k"},
	{name: "dnf-plugins-core", version: "4.3.0-20.el9", size: "37 k"},
	{name: "stress-ng", version: "0.17.08-2.el9", size: "2.6 M"},
	{name: "java-17-openjdk-headless", version: "1:17.0.15.0.6-2.el9", size: "44 M"},
	{name: "nodejs", version: "1:16.20.2-8.el9", size: "111 k"},
	{name: "python3-pip", version: "21.3.1-1.el9", size: "1.7 M"},
	{name: "chrony-tools", version: "4.6.1-1.el9", size: "20 k"},
	{name: "keepalived", version: "2.2.8-4.el9", size: "536 k"},
	{name: "pacemaker", version: "2.1.9-1.el9", size: "460 k"},
	{name: "samba", version: "4.21.3-3.el9", size: "890 k"},
}

// debianPackages is what apt knows beside what is installed.
var debianPackages = []pkg{
	{name: "apache2", version: "2.4.58-1ubuntu8.6", size: "90.2 kB", deps: "apache2-bin apache2-data apache2-utils", programs: "sbin/apache2 sbin/apache2ctl=apachectl sbin/apachectl",
		files: map[string]string{"/etc/apache2/apache2.conf": apacheConf, "/etc/apache2/ports.conf": "Listen 80\n",
			"/etc/apache2/sites-enabled/000-default.conf": "<VirtualHost *:80>\n\tDocumentRoot /var/www/html\n</VirtualHost>\n", "/etc/apache2/mods-enabled/dir.conf": "DirectoryIndex index.html index.php\n",
			"/var/www/html/index.html%": "<!DOCTYPE html><html><head><title>Apache2 Ubuntu Default Page: It works</title></head><body><h1>It works!</h1></body></html>\n"},
		units: "apache2=/usr/sbin/apache2 -DFOREGROUND", user: "www-data", dirs: "/var/www/html /var/log/apache2 /etc/apache2/conf-enabled /etc/apache2/mods-enabled"},
	{name: "apache2-bin", version: "2.4.58-1ubuntu8.6", size: "1331 kB"},
	{name: "apache2-data", version: "2.4.58-1ubuntu8.6", size: "163 kB"},
	{name: "apache2-utils", version: "2.4.58-1ubuntu8.6", size: "97.2 kB"},
	{name: "libapache2-mod-php", version: "2:8.3+93ubuntu2", size: "4226 B", deps: "libapache2-mod-php8.3"},
	{name: "libapache2-mod-php8.3", version: "8.3.6-0ubuntu0.24.04.4", size: "1851 kB", deps: "php8.3-cli php8.3-common apache2", files: map[string]string{"/etc/apache2/mods-enabled/php8.3.conf": phpConf}},
	{name: "php", version: "2:8.3+93ubuntu2", size: "4076 B", deps: "php8.3"},
	{name: "php8.3", version: "8.3.6-0ubuntu0.24.04.4", size: "9160 B", deps: "libapache2-mod-php8.3 php8.3-common"},
	{name: "php-cli", version: "2:8.3+93ubuntu2", size: "3234 B", deps: "php8.3-cli"},
	{name: "php8.3-cli", version: "8.3.6-0ubuntu0.24.04.4", size: "1915 kB", deps: "php8.3-common", programs: "bin/php"},
	{name: "php8.3-common", version: "8.3.6-0ubuntu0.24.04.4", size: "739 kB"},
	{name: "php-fpm", version: "2:8.3+93ubuntu2", size: "4106 B", deps: "php8.3-fpm"},
	{name: "php8.3-fpm", version: "8.3.6-0ubuntu0.24.04.4", size: "1868 kB", deps: "php8.3-cli", programs: "sbin/php-fpm8.3=php-fpm", units: "php8.3-fpm=/usr/sbin/php-fpm8.3 --nodaemonize"},
	{name: "php-mysql", version: "2:8.3+93ubuntu2", size: "1782 B", deps: "php8.3-common"},
	{name: "php-xml", version: "2:8.3+93ubuntu2", size: "1880 B", deps: "php8.3-common"},
	{name: "php-mbstring", version: "2:8.3+93ubuntu2", size: "1780 B", deps: "php8.3-common"},
	{name: "nginx", version: "1.24.0-2ubuntu7.3", size: "520 kB", deps: "nginx-common", programs: "sbin/nginx",
		files: map[string]string{"/etc/nginx/nginx.conf": strings.Replace(nginxConf, "/usr/share/nginx/html", "/var/www/html", 1), "/var/www/html/index.nginx-debian.html": "<h1>Welcome to nginx!</h1>\n"},
		units: "nginx=/usr/sbin/nginx", user: "www-data", dirs: "/var/www/html /etc/nginx/conf.d /var/log/nginx"},
	{name: "nginx-common", version: "1.24.0-2ubuntu7.3", size: "31.2 kB"},
	{name: "mariadb-server", version: "1:10.11.13-0ubuntu0.24.04.1", size: "3426 kB", deps: "mariadb-client", programs: "sbin/mariadbd", units: "mariadb=/usr/sbin/mariadbd", user: "mysql", dirs: "/var/lib/mysql"},
	{name: "mariadb-client", version: "1:10.11.13-0ubuntu0.24.04.1", size: "3079 kB", programs: "bin/mysql=daemon"},
	{name: "redis-server", version: "5:7.0.15-1ubuntu0.24.04.1", size: "52.2 kB", programs: "bin/redis-server bin/redis-cli=daemon", units: "redis-server=/usr/bin/redis-server /etc/redis/redis.conf", user: "redis", files: map[string]string{"/etc/redis/redis.conf": "port 6379\nbind 127.0.0.1\n"}},
	{name: "memcached", version: "1.6.24-1build3", size: "157 kB", programs: "bin/memcached", units: "memcached=/usr/bin/memcached", user: "memcache"},
	{name: "haproxy", version: "2.8.5-1ubuntu3.3", size: "2064 kB", programs: "sbin/haproxy=daemon", units: "haproxy=/usr/sbin/haproxy -Ws"},
	{name: "firewalld", version: "2.1.1-1", size: "438 kB", programs: "bin/firewall-cmd bin/firewall-offline-cmd sbin/firewalld", units: "firewalld=/usr/sbin/firewalld --nofork",
		files: map[string]string{"/etc/firewalld/zones/public.xml": publicZone([]string{"dhcpv6-client", "ssh"}, nil)}},
	{name: "git", version: "1:2.43.0-1ubuntu7.2", size: "3679 kB"},
	{name: "wget", version: "1.21.4-1ubuntu4.1", size: "334 kB", programs: "bin/wget"},
	{name: "unzip", version: "6.0-28ubuntu4", size: "174 kB"},
	{name: "zip", version: "3.0-13build1", size: "175 kB"},
	{name: "vim", version: "2:9.1.0016-1ubuntu7.8", size: "1881 kB"},
	{name: "nano", version: "7.2-2ubuntu0.1", size: "282 kB"},
	{name: "tmux", version: "3.4-1build1", size: "482 kB"},
	{name: "rsync", version: "3.2.7-1ubuntu1.2", size: "437 kB"},
	{name: "jq", version: "1.7.1-3build1", size: "65.5 kB"},
	{name: "net-tools", version: "2.10-0.1ubuntu4", size: "204 kB"},
	{name: "dnsutils", version: "1:9.18.30-0ubuntu0.24.04.2", size: "3676 B"},
	{name: "nfs-common", version: "1:2.6.4-3ubuntu5.1", size: "248 kB"},
	{name: "nfs-kernel-server", version: "1:2.6.4-3ubuntu5.1", size: "169 kB"},
	{name: "lvm2", version: "2.03.16-3ubuntu3.1", size: "1190 kB"},
	{name: "cloud-guest-utils", version: "0.33-1", size: "18.1 kB"},
	{name: "software-properties-common", version: "0.99.49", size: "14.4 kB"},
	{name: "apt-transport-https", version: "2.7.14build2", size: "3974 B"},
	{name: "stress-ng", version: "0.17.06-1build1", size: "2518 kB"},
	{name: "python3-pip", version: "24.0+dfsg-1ubuntu1.1", size: "1319 kB"},
	{name: "nodejs", version: "18.19.1+dfsg-6ubuntu5", size: "306 kB"},
	{name: "default-jre-headless", version: "2:1.21-75+exp1", size: "3092 B"},
	{name: "keepalived", version: "1:2.2.8-1build2", size: "516 kB"},
	{name: "samba", version: "2:4.19.5+dfsg-4ubuntu9", size: "1011 kB"},
}

// findPackage looks a package up in the tables of a distribution.
func findPackage(f family, name string) (pkg, bool) {
	table := rhelPackages
	if f == debian {
		table = debianPackages
	}
	name, _, _ = strings.Cut(name, ".x86_64")
	name, _, _ = strings.Cut(name, ".noarch")
	i := slices.IndexFunc(table, func(p pkg) bool { return p.name == name })
	if i < 0 {
		return pkg{}, false
	}
	return table[i], true
}
