// Package php runs the little PHP that demonstration pages are made of: text
// with echo, variables, concatenation, arithmetic, comparison, if/else, a few
// functions and the $_SERVER and $_GET arrays. What it does not know is an
// error, never a guess.
//
// It imports the standard library only.
package php

import (
	"fmt"
	"html"
	"strings"
	"time"
)

// Env is what a page can see.
type Env struct {
	Hostname, Version, System, Kernel string
	File                              string
	Now                               time.Time
	Server, Get                       map[string]string
	Getenv                            func(name string) string
	ReadFile                          func(name string) (string, bool)
	Sleep                             func(time.Duration)
}

// Page is what a run printed.
type Page struct {
	Body    string
	Headers []string // "Name: value"
	Status  int      // 0: not set
}

// maxSteps bounds loops.
const maxSteps = 1_000_000

// Run runs a page.
func Run(source string, env Env) (page Page, err error) {
	toks, err := scan(source)
	if err != nil {
		return Page{}, err
	}
	p := &parser{toks: toks}
	var body []stmt
	for p.peek().kind != tokEnd {
		s, err := p.statement()
		if err != nil {
			return Page{}, err
		}
		body = append(body, s)
	}
	r := &runner{env: env, vars: map[string]value{}}
	if _, err := r.block(body); err != nil && err != errExit {
		return Page{}, err
	}
	return Page{Body: r.out.String(), Headers: r.headers, Status: r.status}, nil
}

type runner struct {
	env     Env
	vars    map[string]value
	out     strings.Builder
	headers []string
	status  int
	steps   int
}

// info is phpinfo().
func (r *runner) info() {
	row := func(k, v string) {
		fmt.Fprintf(&r.out, "<tr><td class=\"e\">%s </td><td class=\"v\">%s </td></tr>\n", html.EscapeString(k), html.EscapeString(v))
	}
	fmt.Fprintf(&r.out, "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\" \"DTD/xhtml1-transitional.dtd\">\n<html xmlns=\"http://www.w3.org/1999/xhtml\"><head>\n<title>PHP %s - phpinfo()</title></head>\n<body><div class=\"center\">\n<table>\n<tr class=\"h\"><td><h1 class=\"p\">PHP Version %s</h1></td></tr>\n</table>\n<table>\n", r.env.Version, r.env.Version)
	row("System", r.env.System)
	row("Server API", "FPM/FastCGI")
	row("PHP API", "20200930")
	r.out.WriteString("</table>\n<h2>PHP Variables</h2>\n<table>\n")
	for _, k := range sortedKeys(r.env.Server) {
		row("$_SERVER['"+k+"']", r.env.Server[k])
	}
	r.out.WriteString("</table>\n</div></body></html>")
}
