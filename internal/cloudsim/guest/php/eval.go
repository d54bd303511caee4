package php

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

type kind int

const (
	kindNull kind = iota
	kindBool
	kindInt
	kindFloat
	kindText
	kindArray
)

// value is a PHP value; an array keeps its order in keys.
type value struct {
	kind kind
	b    bool
	i    int64
	f    float64
	s    string
	keys []string
	vals map[string]value
}

func textValue(s string) value { return value{kind: kindText, s: s} }
func intValue(i int64) value   { return value{kind: kindInt, i: i} }
func boolValue(b bool) value   { return value{kind: kindBool, b: b} }

func mapValue(m map[string]string) value {
	v := value{kind: kindArray, vals: map[string]value{}}
	for _, k := range sortedKeys(m) {
		v.set(k, textValue(m[k]))
	}
	return v
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

func (v *value) set(key string, item value) {
	if v.vals == nil {
		v.vals = map[string]value{}
	}
	if _, ok := v.vals[key]; !ok {
		v.keys = append(v.keys, key)
	}
	v.vals[key] = item
}

func (v value) text() string {
	switch v.kind {
	case kindBool:
		if v.b {
			return "1"
		}
	case kindInt:
		return strconv.FormatInt(v.i, 10)
	case kindFloat:
		return strconv.FormatFloat(v.f, 'G', 14, 64)
	case kindText:
		return v.s
	case kindArray:
		return "Array"
	}
	return ""
}

func (v value) truth() bool {
	switch v.kind {
	case kindBool:
		return v.b
	case kindInt:
		return v.i != 0
	case kindFloat:
		return v.f != 0
	case kindText:
		return v.s != "" && v.s != "0"
	case kindArray:
		return len(v.keys) > 0
	}
	return false
}

// number gives a float and whether the value is whole.
func (v value) number() (float64, bool) {
	switch v.kind {
	case kindBool:
		if v.b {
			return 1, true
		}
	case kindInt:
		return float64(v.i), true
	case kindFloat:
		return v.f, false
	case kindText:
		f, err := strconv.ParseFloat(strings.TrimSpace(v.s), 64)
		if err != nil {
			return 0, true
		}
		return f, !strings.ContainsAny(v.s, ".eE")
	}
	return 0, true
}

var (
	errExit  = errors.New("exit")
	errSteps = errors.New("maximum execution time exceeded")
)

func (r *runner) block(body []stmt) (bool, error) {
	for _, s := range body {
		if r.steps++; r.steps > maxSteps {
			return false, errSteps
		}
		if err := r.stmt(s); err != nil {
			return false, err
		}
	}
	return true, nil
}

func (r *runner) stmt(s stmt) error {
	switch s.kind {
	case "html":
		r.out.WriteString(s.text)
	case "echo", "exit":
		for _, e := range s.exprs {
			v, err := r.eval(e)
			if err != nil {
				return err
			}
			r.out.WriteString(v.text())
		}
		if s.kind == "exit" {
			return errExit
		}
	case "expr":
		_, err := r.eval(s.exprs[0])
		return err
	case "block":
		_, err := r.block(s.body)
		return err
	case "if":
		v, err := r.eval(s.exprs[0])
		if err != nil {
			return err
		}
		body := s.other
		if v.truth() {
			body = s.body
		}
		_, err = r.block(body)
		return err
	case "while", "for":
		return r.loop(s)
	case "foreach":
		v, err := r.eval(s.exprs[0])
		if err != nil {
			return err
		}
		for _, k := range v.keys {
			if s.names[0] != "" {
				r.vars[s.names[0]] = textValue(k)
			}
			r.vars[s.names[1]] = v.vals[k]
			if _, err := r.block(s.body); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *runner) loop(s stmt) error {
	for _, e := range s.init {
		if _, err := r.eval(e); err != nil {
			return err
		}
	}
	for {
		if r.steps++; r.steps > maxSteps {
			return errSteps
		}
		for _, e := range s.exprs {
			v, err := r.eval(e)
			if err != nil {
				return err
			}
			if !v.truth() {
				return nil
			}
		}
		if _, err := r.block(s.body); err != nil {
			return err
		}
		for _, e := range s.post {
			if _, err := r.eval(e); err != nil {
				return err
			}
		}
	}
}

func (r *runner) eval(e expr) (value, error) {
	switch e.op {
	case "const":
		return e.val, nil
	case "var":
		return r.variable(e.text), nil
	case "name":
		return r.constant(e)
	case "assign":
		v, err := r.eval(e.args[0])
		if err == nil {
			r.vars[e.text] = v
		}
		return v, err
	case "post":
		old := r.variable(e.args[0].text)
		_, err := r.eval(e.args[1])
		return old, err
	case "call":
		return r.call(e)
	case "array":
		return r.array(e)
	case "?:":
		v, err := r.eval(e.args[0])
		if err != nil {
			return value{}, err
		}
		if v.truth() {
			return r.eval(e.args[1])
		}
		return r.eval(e.args[2])
	case "&&", "and", "||", "or", "??":
		v, err := r.eval(e.args[0])
		if err != nil {
			return value{}, err
		}
		if e.op == "??" {
			if v.kind != kindNull {
				return v, nil
			}
			return r.eval(e.args[1])
		}
		isOr := e.op == "||" || e.op == "or"
		if v.truth() == isOr {
			return boolValue(isOr), nil
		}
		v, err = r.eval(e.args[1])
		return boolValue(v.truth()), err
	}
	var args []value
	for _, a := range e.args {
		v, err := r.eval(a)
		if err != nil {
			return value{}, err
		}
		args = append(args, v)
	}
	return operate(e, args)
}

func (r *runner) variable(name string) value {
	switch name {
	case "_SERVER":
		return mapValue(r.env.Server)
	case "_GET", "_REQUEST":
		return mapValue(r.env.Get)
	}
	return r.vars[name]
}

func (r *runner) constant(e expr) (value, error) {
	switch strings.ToUpper(e.text) {
	case "TRUE":
		return boolValue(true), nil
	case "FALSE":
		return boolValue(false), nil
	case "NULL":
		return value{}, nil
	case "PHP_VERSION":
		return textValue(r.env.Version), nil
	case "PHP_EOL":
		return textValue("\n"), nil
	case "PHP_OS", "PHP_OS_FAMILY":
		return textValue("Linux"), nil
	case "__FILE__":
		return textValue(r.env.File), nil
	case "__DIR__":
		return textValue(r.env.File[:max(strings.LastIndexByte(r.env.File, '/'), 0)]), nil
	case "PHP_INT_MAX":
		return intValue(math.MaxInt64), nil
	}
	return value{}, fmt.Errorf("undefined constant %q on line %d", e.text, e.line)
}

func (r *runner) array(e expr) (value, error) {
	out := value{kind: kindArray, vals: map[string]value{}}
	next := 0
	for i := 0; i < len(e.args); i += 2 {
		key := strconv.Itoa(next)
		if e.args[i].op != "" {
			k, err := r.eval(e.args[i])
			if err != nil {
				return value{}, err
			}
			key = k.text()
		} else {
			next++
		}
		v, err := r.eval(e.args[i+1])
		if err != nil {
			return value{}, err
		}
		out.set(key, v)
	}
	return out, nil
}

func (r *runner) call(e expr) (value, error) {
	var args []value
	for _, a := range e.args {
		v, err := r.eval(a)
		if err != nil {
			return value{}, err
		}
		args = append(args, v)
	}
	switch e.text {
	case "isset":
		return boolValue(!slices.ContainsFunc(args, func(v value) bool { return v.kind == kindNull })), nil
	case "empty":
		return boolValue(len(args) == 0 || !args[0].truth()), nil
	}
	f := functions[e.text]
	if len(args) < f.min {
		return value{}, fmt.Errorf("%s() expects at least %d arguments, %d given on line %d", e.text, f.min, len(args), e.line)
	}
	return f.run(r, args)
}

func operate(e expr, a []value) (value, error) {
	switch e.op {
	case "u!":
		return boolValue(!a[0].truth()), nil
	case "u@", "u+":
		return a[0], nil
	case "u-":
		return arithmetic("-", intValue(0), a[0])
	case "index":
		if a[0].kind == kindText {
			i, _ := a[1].number()
			if int(i) >= 0 && int(i) < len(a[0].s) {
				return textValue(a[0].s[int(i) : int(i)+1]), nil
			}
			return value{}, nil
		}
		return a[0].vals[a[1].text()], nil
	case ".":
		return textValue(a[0].text() + a[1].text()), nil
	case "===":
		return boolValue(a[0].kind == a[1].kind && a[0].text() == a[1].text()), nil
	case "!==":
		return boolValue(a[0].kind != a[1].kind || a[0].text() != a[1].text()), nil
	case "==", "!=", "<", ">", "<=", ">=":
		c := compare(a[0], a[1])
		return boolValue(map[string]bool{"==": c == 0, "!=": c != 0, "<": c < 0, ">": c > 0, "<=": c <= 0, ">=": c >= 0}[e.op]), nil
	}
	v, err := arithmetic(e.op, a[0], a[1])
	if err != nil {
		return value{}, fmt.Errorf("%w on line %d", err, e.line)
	}
	return v, nil
}

func compare(a, b value) int {
	if a.kind == kindBool || b.kind == kindBool || a.kind == kindNull || b.kind == kindNull {
		x, y := a.truth(), b.truth()
		switch {
		case x == y:
			return 0
		case x:
			return 1
		}
		return -1
	}
	_, errA := strconv.ParseFloat(strings.TrimSpace(a.text()), 64)
	_, errB := strconv.ParseFloat(strings.TrimSpace(b.text()), 64)
	if errA != nil || errB != nil {
		return strings.Compare(a.text(), b.text())
	}
	x, _ := a.number()
	y, _ := b.number()
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

func arithmetic(op string, a, b value) (value, error) {
	x, wholeX := a.number()
	y, wholeY := b.number()
	var f float64
	switch op {
	case "+":
		f = x + y
	case "-":
		f = x - y
	case "*":
		f = x * y
	case "/", "%":
		if y == 0 || op == "%" && int64(y) == 0 {
			return value{}, errors.New("division by zero")
		}
		if op == "%" {
			return intValue(int64(x) % int64(y)), nil
		}
		f = x / y
		wholeX = wholeX && f == math.Trunc(f)
	default:
		return value{}, fmt.Errorf("the operator %q is not supported by the guest's PHP", op)
	}
	if wholeX && wholeY && math.Abs(f) < 1<<62 {
		return intValue(int64(f)), nil
	}
	return value{kind: kindFloat, f: f}, nil
}
