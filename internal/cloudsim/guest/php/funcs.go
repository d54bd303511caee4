package php

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"math"
	"math/rand/v2"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// function is a built-in with the number of arguments it needs.
type function struct {
	min int
	run func(r *runner, a []value) (value, error)
}

func text1(f func(string) string) function {
	return function{1, func(_ *runner, a []value) (value, error) { return textValue(f(a[0].text())), nil }}
}

// functions is the table of what a page may call.
var functions = map[string]function{
	"gethostname":   {0, func(r *runner, _ []value) (value, error) { return textValue(r.env.Hostname), nil }},
	"phpinfo":       {0, func(r *runner, _ []value) (value, error) { r.info(); return boolValue(true), nil }},
	"phpversion":    {0, func(r *runner, _ []value) (value, error) { return textValue(r.env.Version), nil }},
	"php_uname":     {0, phpUname},
	"php_sapi_name": {0, func(*runner, []value) (value, error) { return textValue("fpm-fcgi"), nil }},
	"date":          {1, phpDate},
	"gmdate":        {1, phpDate},
	"time":          {0, func(r *runner, _ []value) (value, error) { return intValue(r.env.Now.Unix()), nil }},
	"microtime": {0, func(r *runner, _ []value) (value, error) {
		return value{kind: kindFloat, f: float64(r.env.Now.UnixNano()) / 1e9}, nil
	}},
	"date_default_timezone_set": {1, func(*runner, []value) (value, error) { return boolValue(true), nil }},
	"error_reporting":           {0, func(*runner, []value) (value, error) { return intValue(0), nil }},
	"ini_set":                   {2, func(*runner, []value) (value, error) { return boolValue(true), nil }},
	"header": {1, func(r *runner, a []value) (value, error) {
		r.headers = append(r.headers, a[0].text())
		return value{}, nil
	}},
	"http_response_code": {0, func(r *runner, a []value) (value, error) {
		if len(a) > 0 {
			n, _ := a[0].number()
			if n < 100 || n > 599 {
				return boolValue(false), nil
			}
			r.status = int(n)
		}
		return intValue(int64(max(r.status, 200))), nil
	}},
	"getenv":            {1, func(r *runner, a []value) (value, error) { return textValue(r.env.Getenv(a[0].text())), nil }},
	"file_get_contents": {1, phpFile},
	"file_exists": {1, func(r *runner, a []value) (value, error) {
		_, ok := r.env.ReadFile(a[0].text())
		return boolValue(ok), nil
	}},
	"sleep": {1, func(r *runner, a []value) (value, error) {
		n, _ := a[0].number()
		r.env.Sleep(time.Duration(min(n, 3600) * float64(time.Second)))
		return intValue(0), nil
	}},
	"usleep": {1, func(r *runner, a []value) (value, error) {
		n, _ := a[0].number()
		r.env.Sleep(time.Duration(min(n, 3.6e9) * float64(time.Microsecond)))
		return value{}, nil
	}},
	"strtoupper":       text1(strings.ToUpper),
	"strtolower":       text1(strings.ToLower),
	"trim":             text1(strings.TrimSpace),
	"htmlspecialchars": text1(html.EscapeString),
	"htmlentities":     text1(html.EscapeString),
	"nl2br":            text1(func(s string) string { return strings.ReplaceAll(s, "\n", "<br />\n") }),
	"urlencode":        text1(url.QueryEscape),
	"basename":         text1(path.Base),
	"dirname":          text1(path.Dir),
	"md5":              text1(func(s string) string { b := md5.Sum([]byte(s)); return hex.EncodeToString(b[:]) }),
	"sha1":             text1(func(s string) string { b := sha1.Sum([]byte(s)); return hex.EncodeToString(b[:]) }),
	"strrev":           text1(func(s string) string { b := []byte(s); slices.Reverse(b); return string(b) }),
	"ucfirst":          text1(func(s string) string { return strings.ToUpper(s[:min(1, len(s))]) + s[min(1, len(s)):] }),
	"gethostbyname":    {1, func(r *runner, a []value) (value, error) { return textValue(r.env.Server["SERVER_ADDR"]), nil }},
	"hash": {2, func(_ *runner, a []value) (value, error) {
		if a[0].text() != "sha256" {
			return value{}, fmt.Errorf("the hash %q is not supported by the guest's PHP", a[0].text())
		}
		b := sha256.Sum256([]byte(a[1].text()))
		return textValue(hex.EncodeToString(b[:])), nil
	}},
	"strlen": {1, func(_ *runner, a []value) (value, error) { return intValue(int64(len(a[0].text()))), nil }},
	"count":  {1, func(_ *runner, a []value) (value, error) { return intValue(int64(len(a[0].keys))), nil }},
	"str_repeat": {2, func(_ *runner, a []value) (value, error) {
		n, _ := a[1].number()
		if n < 0 || n*float64(len(a[0].text())) > 1<<24 {
			return value{}, fmt.Errorf("str_repeat() would need too much memory")
		}
		return textValue(strings.Repeat(a[0].text(), int(n))), nil
	}},
	"str_replace": {3, func(_ *runner, a []value) (value, error) {
		return textValue(strings.ReplaceAll(a[2].text(), a[0].text(), a[1].text())), nil
	}},
	"substr": {2, phpSubstr},
	"strpos": {2, func(_ *runner, a []value) (value, error) {
		if i := strings.Index(a[0].text(), a[1].text()); i >= 0 {
			return intValue(int64(i)), nil
		}
		return boolValue(false), nil
	}},
	"str_contains": {2, func(_ *runner, a []value) (value, error) {
		return boolValue(strings.Contains(a[0].text(), a[1].text())), nil
	}},
	"implode": {2, func(_ *runner, a []value) (value, error) {
		var parts []string
		for _, k := range a[1].keys {
			parts = append(parts, a[1].vals[k].text())
		}
		return textValue(strings.Join(parts, a[0].text())), nil
	}},
	"explode": {2, func(_ *runner, a []value) (value, error) {
		out := value{kind: kindArray}
		for i, s := range strings.Split(a[1].text(), a[0].text()) {
			out.set(strconv.Itoa(i), textValue(s))
		}
		return out, nil
	}},
	"rand":       {0, phpRand},
	"mt_rand":    {0, phpRand},
	"random_int": {2, phpRand},
	"sqrt": {1, func(_ *runner, a []value) (value, error) {
		f, _ := a[0].number()
		return value{kind: kindFloat, f: math.Sqrt(f)}, nil
	}},
	"intval": {1, func(_ *runner, a []value) (value, error) { f, _ := a[0].number(); return intValue(int64(f)), nil }},
	"round": {1, func(_ *runner, a []value) (value, error) {
		f, _ := a[0].number()
		return value{kind: kindFloat, f: math.Round(f)}, nil
	}},
	"number_format": {1, func(_ *runner, a []value) (value, error) {
		f, _ := a[0].number()
		return textValue(strconv.FormatFloat(f, 'f', 0, 64)), nil
	}},
	"json_encode": {1, func(_ *runner, a []value) (value, error) {
		data, err := json.Marshal(plain(a[0]))
		return textValue(strings.ReplaceAll(string(data), "/", `\/`)), err
	}},
	"printf": {1, func(r *runner, a []value) (value, error) {
		s := sprintf(a)
		r.out.WriteString(s)
		return intValue(int64(len(s))), nil
	}},
	"sprintf": {1, func(_ *runner, a []value) (value, error) { return textValue(sprintf(a)), nil }},
}

func phpUname(r *runner, a []value) (value, error) {
	mode := "a"
	if len(a) > 0 {
		mode = a[0].text()
	}
	switch mode {
	case "n":
		return textValue(r.env.Hostname), nil
	case "s":
		return textValue("Linux"), nil
	case "r":
		return textValue(r.env.Kernel), nil
	case "m":
		return textValue("x86_64"), nil
	case "v":
		return textValue("#1 SMP PREEMPT_DYNAMIC"), nil
	}
	return textValue(r.env.System), nil
}

func phpDate(r *runner, a []value) (value, error) {
	at := r.env.Now
	if len(a) > 1 {
		n, _ := a[1].number()
		at = time.Unix(int64(n), 0).UTC()
	}
	layouts := map[rune]string{
		'Y': "2006", 'y': "06", 'm': "01", 'n': "1", 'd': "02", 'j': "2", 'H': "15", 'G': "15", 'h': "03", 'g': "3", 'i': "04", 's': "05",
		'A': "PM", 'a': "pm", 'D': "Mon", 'l': "Monday", 'M': "Jan", 'F': "January", 'e': "MST", 'T': "MST", 'P': "-07:00", 'O': "-0700", 'c': time.RFC3339, 'r': time.RFC1123Z,
	}
	var out strings.Builder
	escaped := false
	for _, c := range a[0].text() {
		switch {
		case escaped:
			out.WriteRune(c)
			escaped = false
		case c == '\\':
			escaped = true
		case c == 'U':
			out.WriteString(strconv.FormatInt(at.Unix(), 10))
		case c == 'N':
			out.WriteString(strconv.Itoa((int(at.Weekday())+6)%7 + 1))
		case c == 'v':
			fmt.Fprintf(&out, "%03d", at.Nanosecond()/1e6)
		case layouts[c] != "":
			out.WriteString(at.Format(layouts[c]))
		default:
			out.WriteRune(c)
		}
	}
	return textValue(out.String()), nil
}

func phpFile(r *runner, a []value) (value, error) {
	name := a[0].text()
	if strings.Contains(name, "://") {
		return value{}, fmt.Errorf("reading %s is not supported by the guest's PHP", name)
	}
	data, ok := r.env.ReadFile(name)
	if !ok {
		return boolValue(false), nil
	}
	return textValue(data), nil
}

func phpSubstr(_ *runner, a []value) (value, error) {
	s := a[0].text()
	f, _ := a[1].number()
	from := int(f)
	if from < 0 {
		from = max(len(s)+from, 0)
	}
	from = min(from, len(s))
	to := len(s)
	if len(a) > 2 {
		n, _ := a[2].number()
		if n < 0 {
			to = max(len(s)+int(n), from)
		} else {
			to = min(from+int(n), len(s))
		}
	}
	return textValue(s[from:to]), nil
}

func phpRand(_ *runner, a []value) (value, error) {
	lo, hi := int64(0), int64(math.MaxInt32)
	if len(a) > 1 {
		x, _ := a[0].number()
		y, _ := a[1].number()
		lo, hi = int64(x), int64(y)
	}
	if hi < lo {
		return value{}, fmt.Errorf("rand(): max must be greater than or equal to min")
	}
	return intValue(lo + rand.Int64N(hi-lo+1)), nil
}

// plain turns a value into what encoding/json takes.
func plain(v value) any {
	switch v.kind {
	case kindBool:
		return v.b
	case kindInt:
		return v.i
	case kindFloat:
		return v.f
	case kindText:
		return v.s
	case kindArray:
		list := make([]any, 0, len(v.keys))
		object := map[string]any{}
		isList := true
		for i, k := range v.keys {
			isList = isList && k == strconv.Itoa(i)
			list = append(list, plain(v.vals[k]))
			object[k] = plain(v.vals[k])
		}
		if isList {
			return list
		}
		return object
	}
	return nil
}

func sprintf(a []value) string {
	var out strings.Builder
	format, args := a[0].text(), a[1:]
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			out.WriteByte(format[i])
			continue
		}
		start := i
		i++
		for i < len(format)-1 && strings.IndexByte("0123456789.-+", format[i]) >= 0 {
			i++
		}
		spec := format[start+1 : i]
		if format[i] == '%' {
			out.WriteByte('%')
			continue
		}
		var arg value
		if len(args) > 0 {
			arg, args = args[0], args[1:]
		}
		f, _ := arg.number()
		switch format[i] {
		case 'd', 'u':
			fmt.Fprintf(&out, "%"+spec+"d", int64(f))
		case 'f':
			fmt.Fprintf(&out, "%"+spec+"f", f)
		case 'x':
			fmt.Fprintf(&out, "%"+spec+"x", int64(f))
		default:
			fmt.Fprintf(&out, "%"+spec+"s", arg.text())
		}
	}
	return out.String()
}
