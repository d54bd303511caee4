package php

import (
	"fmt"
	"strconv"
	"strings"
)

type parser struct {
	toks []token
	at   int
}

func (p *parser) peek() token { return p.toks[p.at] }

func (p *parser) next() token {
	t := p.toks[p.at]
	if t.kind != tokEnd {
		p.at++
	}
	return t
}

func (p *parser) is(op string) bool {
	t := p.peek()
	return t.kind == tokOp && t.text == op
}

func (p *parser) accept(op string) bool {
	if p.is(op) {
		p.at++
		return true
	}
	return false
}

func (p *parser) expect(op string) error {
	if p.accept(op) {
		return nil
	}
	return p.unexpected()
}

func (p *parser) unexpected() error {
	t := p.peek()
	return fmt.Errorf("syntax error, unexpected %q on line %d", t.text, t.line)
}

// stmt is a statement; kind decides which fields count.
type stmt struct {
	kind  string
	text  string
	exprs []expr
	body  []stmt
	other []stmt
	init  []expr
	post  []expr
	names [2]string
}

func (p *parser) statement() (stmt, error) {
	t := p.peek()
	switch {
	case t.kind == tokHTML:
		p.next()
		return stmt{kind: "html", text: t.text}, nil
	case p.accept(";"):
		return stmt{kind: "block"}, nil
	case p.is("{"):
		body, err := p.block()
		return stmt{kind: "block", body: body}, err
	case t.kind == tokName:
		switch strings.ToLower(t.text) {
		case "echo", "print":
			p.next()
			list, err := p.exprList()
			if err != nil {
				return stmt{}, err
			}
			return stmt{kind: "echo", exprs: list}, p.end()
		case "if":
			p.next()
			return p.ifStatement()
		case "while":
			p.next()
			cond, err := p.parens()
			if err != nil {
				return stmt{}, err
			}
			body, err := p.block()
			return stmt{kind: "while", exprs: []expr{cond}, body: body}, err
		case "for":
			p.next()
			return p.forStatement()
		case "foreach":
			p.next()
			return p.foreachStatement()
		case "exit", "die":
			p.next()
			s := stmt{kind: "exit"}
			if p.accept("(") && !p.accept(")") {
				e, err := p.expr(0)
				if err != nil {
					return stmt{}, err
				}
				s.exprs = []expr{e}
				if err := p.expect(")"); err != nil {
					return stmt{}, err
				}
			}
			return s, p.end()
		case "function", "class", "use", "namespace", "include", "require", "require_once", "include_once", "try", "switch", "do", "return", "global", "static", "interface", "trait", "declare":
			return stmt{}, fmt.Errorf("%q on line %d is not supported by the guest's PHP", t.text, t.line)
		}
	}
	e, err := p.expr(0)
	if err != nil {
		return stmt{}, err
	}
	return stmt{kind: "expr", exprs: []expr{e}}, p.end()
}

// end takes the semicolon, which the end of the page may replace.
func (p *parser) end() error {
	if p.accept(";") || p.peek().kind == tokEnd {
		return nil
	}
	return p.unexpected()
}

func (p *parser) block() ([]stmt, error) {
	if !p.accept("{") {
		if p.is(":") {
			return nil, fmt.Errorf("the colon form of blocks on line %d is not supported by the guest's PHP", p.peek().line)
		}
		s, err := p.statement()
		return []stmt{s}, err
	}
	var body []stmt
	for !p.accept("}") {
		if p.peek().kind == tokEnd {
			return nil, p.unexpected()
		}
		s, err := p.statement()
		if err != nil {
			return nil, err
		}
		body = append(body, s)
	}
	return body, nil
}

func (p *parser) parens() (expr, error) {
	if err := p.expect("("); err != nil {
		return expr{}, err
	}
	e, err := p.expr(0)
	if err != nil {
		return expr{}, err
	}
	return e, p.expect(")")
}

func (p *parser) ifStatement() (stmt, error) {
	cond, err := p.parens()
	if err != nil {
		return stmt{}, err
	}
	s := stmt{kind: "if", exprs: []expr{cond}}
	if s.body, err = p.block(); err != nil {
		return stmt{}, err
	}
	if t := p.peek(); t.kind == tokName {
		switch strings.ToLower(t.text) {
		case "elseif":
			p.next()
			other, err := p.ifStatement()
			s.other = []stmt{other}
			return s, err
		case "else":
			p.next()
			s.other, err = p.block()
		}
	}
	return s, err
}

func (p *parser) forStatement() (stmt, error) {
	s := stmt{kind: "for"}
	if err := p.expect("("); err != nil {
		return s, err
	}
	for _, part := range []struct {
		to  *[]expr
		end string
	}{{&s.init, ";"}, {&s.exprs, ";"}, {&s.post, ")"}} {
		if p.accept(part.end) {
			continue
		}
		list, err := p.exprList()
		if err != nil {
			return s, err
		}
		*part.to = list
		if err := p.expect(part.end); err != nil {
			return s, err
		}
	}
	var err error
	s.body, err = p.block()
	return s, err
}

func (p *parser) foreachStatement() (stmt, error) {
	s := stmt{kind: "foreach"}
	if err := p.expect("("); err != nil {
		return s, err
	}
	e, err := p.expr(0)
	if err != nil {
		return s, err
	}
	s.exprs = []expr{e}
	if t := p.next(); strings.ToLower(t.text) != "as" {
		return s, fmt.Errorf("syntax error, unexpected %q on line %d", t.text, t.line)
	}
	s.names[1] = p.next().text
	if p.accept("=>") {
		s.names[0], s.names[1] = s.names[1], p.next().text
	}
	if err := p.expect(")"); err != nil {
		return s, err
	}
	s.body, err = p.block()
	return s, err
}

func (p *parser) exprList() ([]expr, error) {
	var list []expr
	for {
		e, err := p.expr(0)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
		if !p.accept(",") {
			return list, nil
		}
	}
}

// expr is an expression: op with operands, or a leaf.
type expr struct {
	op   string // "const", "var", "call", "index", "array", "assign", "?:", or an operator
	text string
	args []expr
	val  value
	line int
}

// levels of binary operators; a higher one binds more tightly.
var levels = map[string]int{
	"or": 1, "and": 2, "=": 3, ".=": 3, "+=": 3, "-=": 3, "*=": 3, "/=": 3, "?": 4, "??": 5, "||": 6, "&&": 7,
	"==": 8, "!=": 8, "===": 8, "!==": 8, "<": 9, ">": 9, "<=": 9, ">=": 9, ".": 10, "+": 11, "-": 11, "*": 12, "/": 12, "%": 12,
}

func (p *parser) expr(min int) (expr, error) {
	left, err := p.unary()
	if err != nil {
		return expr{}, err
	}
	for {
		t := p.peek()
		level := levels[strings.ToLower(t.text)]
		if (t.kind != tokOp && t.kind != tokName) || level == 0 || level < min {
			return left, nil
		}
		p.next()
		switch {
		case t.text == "?":
			e := expr{op: "?:", args: []expr{left}, line: t.line}
			if !p.is(":") {
				mid, err := p.expr(level)
				if err != nil {
					return expr{}, err
				}
				e.args = append(e.args, mid)
			} else {
				e.args = append(e.args, left)
			}
			if err := p.expect(":"); err != nil {
				return expr{}, err
			}
			last, err := p.expr(level + 1)
			if err != nil {
				return expr{}, err
			}
			e.args = append(e.args, last)
			left = e
		case level == 3:
			right, err := p.expr(level) // right associative
			if err != nil {
				return expr{}, err
			}
			if left.op != "var" {
				return expr{}, fmt.Errorf("assignment on line %d is not supported by the guest's PHP", t.line)
			}
			if t.text != "=" {
				right = expr{op: t.text[:1], args: []expr{left, right}, line: t.line}
			}
			left = expr{op: "assign", text: left.text, args: []expr{right}, line: t.line}
		default:
			right, err := p.expr(level + 1)
			if err != nil {
				return expr{}, err
			}
			left = expr{op: strings.ToLower(t.text), args: []expr{left, right}, line: t.line}
		}
	}
}

func (p *parser) unary() (expr, error) {
	t := p.peek()
	if t.kind == tokOp {
		switch t.text {
		case "!", "-", "@", "+":
			p.next()
			e, err := p.expr(13)
			return expr{op: "u" + t.text, args: []expr{e}, line: t.line}, err
		case "(":
			e, err := p.parens()
			if err != nil {
				return expr{}, err
			}
			return p.suffix(e)
		case "[":
			p.next()
			return p.array("]")
		case "++", "--":
			p.next()
			v := p.next()
			if v.kind != tokVar {
				return expr{}, p.unexpected()
			}
			return step(v, t.text), nil
		}
		return expr{}, p.unexpected()
	}
	e, err := p.primary()
	if err != nil {
		return expr{}, err
	}
	return p.suffix(e)
}

func step(v token, op string) expr {
	one := expr{op: "const", val: intValue(1)}
	return expr{op: "assign", text: v.text, args: []expr{{op: op[:1], args: []expr{{op: "var", text: v.text}, one}}}, line: v.line}
}

func (p *parser) suffix(e expr) (expr, error) {
	for {
		switch {
		case p.accept("["):
			i, err := p.expr(0)
			if err != nil {
				return expr{}, err
			}
			if err := p.expect("]"); err != nil {
				return expr{}, err
			}
			e = expr{op: "index", args: []expr{e, i}, line: p.peek().line}
		case e.op == "var" && (p.is("++") || p.is("--")):
			t := p.next()
			e = expr{op: "post", args: []expr{e, step(token{text: e.text, line: t.line}, t.text)}}
		case p.is("->"), p.is("::"):
			return expr{}, fmt.Errorf("objects on line %d are not supported by the guest's PHP", p.peek().line)
		default:
			return e, nil
		}
	}
}

func (p *parser) array(end string) (expr, error) {
	e := expr{op: "array", line: p.peek().line}
	for !p.accept(end) {
		k, err := p.expr(0)
		if err != nil {
			return expr{}, err
		}
		v := k
		k = expr{}
		if p.accept("=>") {
			k = v
			if v, err = p.expr(0); err != nil {
				return expr{}, err
			}
		}
		e.args = append(e.args, k, v)
		if !p.accept(",") && !p.is(end) {
			return expr{}, p.unexpected()
		}
	}
	return e, nil
}

func (p *parser) primary() (expr, error) {
	t := p.next()
	switch t.kind {
	case tokVar:
		return expr{op: "var", text: t.text, line: t.line}, nil
	case tokString:
		return expr{op: "const", val: textValue(t.text), line: t.line}, nil
	case tokTemplate:
		return interpolate(t)
	case tokNumber:
		if i, err := strconv.ParseInt(t.text, 10, 64); err == nil {
			return expr{op: "const", val: intValue(i), line: t.line}, nil
		}
		f, err := strconv.ParseFloat(t.text, 64)
		return expr{op: "const", val: value{kind: kindFloat, f: f}, line: t.line}, err
	case tokName:
		name := strings.ToLower(strings.TrimPrefix(t.text, `\`))
		if name == "array" && p.accept("(") {
			return p.array(")")
		}
		if p.accept("(") {
			e := expr{op: "call", text: name, line: t.line}
			if _, ok := functions[name]; !ok && name != "isset" && name != "empty" {
				return expr{}, fmt.Errorf("the function %s() on line %d is not supported by the guest's PHP", t.text, t.line)
			}
			if p.accept(")") {
				return e, nil
			}
			var err error
			if e.args, err = p.exprList(); err != nil {
				return expr{}, err
			}
			return e, p.expect(")")
		}
		return expr{op: "name", text: strings.TrimPrefix(t.text, `\`), line: t.line}, nil
	}
	p.at--
	return expr{}, p.unexpected()
}

// interpolate turns "a $b {$c['d']}" into a concatenation.
func interpolate(t token) (expr, error) {
	text := t.text
	e := expr{op: "const", val: textValue(""), line: t.line}
	add := func(x expr) { e = expr{op: ".", args: []expr{e, x}, line: t.line} }
	var plain strings.Builder
	flush := func() {
		if plain.Len() > 0 {
			add(expr{op: "const", val: textValue(plain.String())})
			plain.Reset()
		}
	}
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text):
			i++
			if c, ok := map[byte]string{'n': "\n", 't': "\t", 'r': "\r", '"': `"`, '\\': `\`, '$': "$", 'e': "\x1b"}[text[i]]; ok {
				plain.WriteString(c)
			} else {
				plain.WriteString(text[i-1 : i+1])
			}
		case text[i] == '{' && i+1 < len(text) && text[i+1] == '$':
			end := strings.IndexByte(text[i:], '}')
			if end < 0 {
				return expr{}, fmt.Errorf("unterminated {$ in a string on line %d", t.line)
			}
			inner, err := parseInner(text[i+1:i+end], t.line)
			if err != nil {
				return expr{}, err
			}
			flush()
			add(inner)
			i += end
		case text[i] == '$' && i+1 < len(text) && isNameStart(text[i+1]) && text[i+1] != '\\':
			n := nameLen(text[i+1:])
			inner := expr{op: "var", text: text[i+1 : i+1+n], line: t.line}
			i += n
			if i+1 < len(text) && text[i+1] == '[' {
				if end := strings.IndexByte(text[i+1:], ']'); end > 0 {
					key := strings.Trim(text[i+2:i+1+end], `'"`)
					inner = expr{op: "index", args: []expr{inner, {op: "const", val: textValue(key)}}, line: t.line}
					i += end + 1
				}
			}
			flush()
			add(inner)
		default:
			plain.WriteByte(text[i])
		}
	}
	flush()
	return e, nil
}

func parseInner(code string, line int) (expr, error) {
	s := &scanner{src: code, line: line}
	if err := s.code(); err != nil {
		return expr{}, err
	}
	p := &parser{toks: append(s.toks, token{kind: tokEnd, line: line})}
	return p.expr(0)
}
