package php

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func env() Env {
	return Env{
		Hostname: "web-1", Version: "8.0.30", System: "Linux web-1 5.14", Kernel: "5.14", File: "/var/www/html/index.php",
		Now:    time.Date(2026, 11, 22, 7, 8, 9, 0, time.UTC),
		Server: map[string]string{"SERVER_ADDR": "10.1.1.5", "REMOTE_ADDR": "1.2.3.4", "HTTP_HOST": "example"}, Get: map[string]string{"n": "3"},
		Getenv: func(string) string { return "" }, Sleep: func(time.Duration) {},
		ReadFile: func(name string) (string, bool) { return "content of " + name, name == "data.txt" },
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ source, want string }{
		"text alone":         {"<h1>hello</h1>\n", "<h1>hello</h1>\n"},
		"the guide's page":   {"<?php echo gethostname(); ?>\n", "web-1"},
		"short echo":         {"host: <?= gethostname() ?>!\n", "host: web-1!\n"},
		"concatenation":      {`<?php echo 'a' . "b" . 1 + 2;`, "ab3"},
		"several values":     {`<?php echo "a", 1, true, false, null;`, "a11"},
		"server variables":   {`<?php echo $_SERVER['SERVER_ADDR'] . ' ' . $_SERVER["REMOTE_ADDR"];`, "10.1.1.5 1.2.3.4"},
		"interpolation":      {`<?php $h = gethostname(); echo "on $h at {$_SERVER['SERVER_ADDR']} or $_SERVER[HTTP_HOST]\n";`, "on web-1 at 10.1.1.5 or example\n"},
		"date":               {`<?php echo date('Y-m-d H:i:s'); ?>`, "2026-11-22 07:08:09"},
		"uname":              {`<?php echo php_uname('n');`, "web-1"},
		"arithmetic":         {`<?php echo 1 + 2 * 3, " ", 7 / 2, " ", 6 / 2, " ", 7 % 3;`, "7 3.5 3 1"},
		"if and else":        {`<?php if ($_GET['n'] > 2) { echo "big"; } else { echo "small"; }`, "big"},
		"elseif":             {`<?php $x = 2; if ($x == 1) echo 1; elseif ($x == 2) echo "two"; else echo 3;`, "two"},
		"for":                {`<?php for ($i = 0; $i < 3; $i++) { echo $i; }`, "012"},
		"while":              {`<?php $i = 3; while ($i > 0) { echo $i; $i--; }`, "321"},
		"foreach":            {`<?php foreach (['a' => 1, 'b' => 2] as $k => $v) { echo "$k=$v,"; }`, "a=1,b=2,"},
		"json":               {`<?php echo json_encode(['host' => gethostname(), 'list' => [1, 2]]);`, `{"host":"web-1","list":[1,2]}`},
		"default":            {`<?php echo $_GET['missing'] ?? 'none';`, "none"},
		"comments":           {"<?php // one\n# two\n/* three */ echo 1; ?>", "1"},
		"exit stops":         {`<?php echo 1; exit; echo 2;`, "1"},
		"a file":             {`<?php echo file_get_contents('data.txt');`, "content of data.txt"},
		"xml is not code":    {"<?xml version=\"1.0\"?><?php echo 1 ?>", "<?xml version=\"1.0\"?>1"},
		"ternary":            {`<?php echo 1 > 2 ? 'a' : 'b';`, "b"},
		"html between lines": {"<p>\n<?php echo 1; ?>\n</p>\n", "<p>\n1</p>\n"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page, err := Run(tc.source, env())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, page.Body); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestPhpinfoNamesTheHost(t *testing.T) {
	t.Parallel()
	page, err := Run("<?php echo gethostname(); phpinfo(); ?>\n", env())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"web-1<!DOCTYPE", "PHP Version 8.0.30", "Linux web-1 5.14", "10.1.1.5"} {
		if !strings.Contains(page.Body, want) {
			t.Errorf("no %q in %s", want, page.Body)
		}
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	page, err := Run(`<?php header('X-A: b'); http_response_code(503); echo "down";`, env())
	if err != nil {
		t.Fatal(err)
	}
	want := Page{Body: "down", Headers: []string{"X-A: b"}, Status: 503}
	if diff := cmp.Diff(want, page); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// What is beyond the interpreter must be an error, never a wrong page.
func TestUnsupported(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]string{
		"class":            "<?php class A {}",
		"unknown function": "<?php echo mysqli_connect('db');",
		"include":          "<?php include 'a.php';",
		"object":           "<?php echo $a->b;",
		"unclosed string":  "<?php echo 'a",
		"syntax":           "<?php echo ) ;",
		"own function":     "<?php function f() {}",
		"endless loop":     "<?php while (true) { $a = 1; }",
		"too much memory":  "<?php echo str_repeat('x', 99999999999);",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if page, err := Run(source, env()); err == nil {
				t.Errorf("ran and printed %q", page.Body)
			}
		})
	}
}

func FuzzRun(f *testing.F) {
	f.Add("<?php echo gethostname(); ?>")
	f.Add("<?php $a = [1, 'b' => \"$c {$d['e']}\"]; foreach ($a as $k => $v) echo $k;")
	f.Fuzz(func(_ *testing.T, source string) {
		_, _ = Run(source, env()) // must not panic
	})
}
