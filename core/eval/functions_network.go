package eval

import (
	"fmt"
	"math/big"
	"net/netip"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/gocty"
)

func networkFunctions() map[string]function.Function {
	return map[string]function.Function{
		"cidrhost":    cidrHostFunction(),
		"cidrnetmask": cidrNetmaskFunction(),
		"cidrsubnet":  cidrSubnetFunction(),
		"cidrsubnets": cidrSubnetsFunction(),
	}
}

func cidrHostFunction() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "prefix", Type: cty.String}, {Name: "host", Type: cty.Number}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			prefix, err := parsePrefix(args[0])
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			host, accuracy := args[1].AsBigFloat().Int(nil)
			if accuracy != big.Exact {
				return cty.NilVal, function.NewArgErrorf(1, "a whole number is required")
			}
			bits := uint(prefix.Addr().BitLen() - prefix.Bits())
			size := new(big.Int).Lsh(big.NewInt(1), bits)
			if host.Sign() < 0 { // counted from the end
				host.Add(host, size)
			}
			if host.Sign() < 0 || host.Cmp(size) >= 0 {
				return cty.NilVal, function.NewArgErrorf(1, "the prefix %s has room for %s hosts", prefix, size)
			}
			return cty.StringVal(addressAt(prefix.Addr(), host).String()), nil
		},
	})
}

func cidrNetmaskFunction() function.Function {
	return textFunction("prefix", func(s string) (string, error) {
		prefix, err := parsePrefix(cty.StringVal(s))
		if err != nil {
			return "", function.NewArgError(0, err)
		}
		if !prefix.Addr().Is4() {
			return "", function.NewArgErrorf(0, "IPv6 prefixes have no netmask")
		}
		mask := ^uint32(0) << (32 - prefix.Bits())
		return fmt.Sprintf("%d.%d.%d.%d", mask>>24, mask>>16&0xff, mask>>8&0xff, mask&0xff), nil
	})
}

func cidrSubnetFunction() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "prefix", Type: cty.String}, {Name: "newbits", Type: cty.Number}, {Name: "number", Type: cty.Number}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			prefix, err := parsePrefix(args[0])
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			bits, err := newBits(prefix, args[1])
			if err != nil {
				return cty.NilVal, function.NewArgError(1, err)
			}
			number, accuracy := args[2].AsBigFloat().Int(nil)
			if accuracy != big.Exact || number.Sign() < 0 || number.BitLen() > bits {
				return cty.NilVal, function.NewArgErrorf(2, "with %d more bits the number of the subnet is a whole number below 2^%d", bits, bits)
			}
			return cty.StringVal(subnet(prefix, bits, number).String()), nil
		},
	})
}

// cidrSubnetsFunction lays subnets of the given sizes one behind the other.
func cidrSubnetsFunction() function.Function {
	return function.New(&function.Spec{
		Params:   []function.Parameter{{Name: "prefix", Type: cty.String}},
		VarParam: &function.Parameter{Name: "newbits", Type: cty.Number},
		Type:     function.StaticReturnType(cty.List(cty.String)),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			prefix, err := parsePrefix(args[0])
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			free := new(big.Int) // offset of the first free address
			total := prefix.Addr().BitLen()
			size := new(big.Int).Lsh(big.NewInt(1), uint(total-prefix.Bits()))
			var out []cty.Value
			for i, arg := range args[1:] {
				bits, err := newBits(prefix, arg)
				if err != nil {
					return cty.NilVal, function.NewArgError(i+1, err)
				}
				hostBits := uint(total - prefix.Bits() - bits)
				step := new(big.Int).Lsh(big.NewInt(1), hostBits)
				free.Add(free, step).Sub(free, big.NewInt(1)).Rsh(free, hostBits).Lsh(free, hostBits) // round up
				if new(big.Int).Add(free, step).Cmp(size) > 0 {
					return cty.NilVal, function.NewArgErrorf(i+1, "there is no room left in %s", prefix)
				}
				out = append(out, cty.StringVal(netip.PrefixFrom(addressAt(prefix.Addr(), free), prefix.Bits()+bits).String()))
				free.Add(free, step)
			}
			if len(out) == 0 {
				return cty.ListValEmpty(cty.String), nil
			}
			return cty.ListVal(out), nil
		},
	})
}

func parsePrefix(v cty.Value) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(v.AsString())
	if err != nil {
		return prefix, fmt.Errorf("%q is no prefix such as 10.1.0.0/16", v.AsString())
	}
	return prefix.Masked(), nil
}

func newBits(prefix netip.Prefix, v cty.Value) (int, error) {
	var bits int
	if err := gocty.FromCtyValue(v, &bits); err != nil || bits < 0 || prefix.Bits()+bits > prefix.Addr().BitLen() {
		return 0, fmt.Errorf("%s can be lengthened by 0 to %d bits", prefix, prefix.Addr().BitLen()-prefix.Bits())
	}
	return bits, nil
}

func subnet(prefix netip.Prefix, bits int, number *big.Int) netip.Prefix {
	shift := uint(prefix.Addr().BitLen() - prefix.Bits() - bits)
	return netip.PrefixFrom(addressAt(prefix.Addr(), new(big.Int).Lsh(number, shift)), prefix.Bits()+bits)
}

// addressAt is the address offset steps behind base.
func addressAt(base netip.Addr, offset *big.Int) netip.Addr {
	sum := new(big.Int).SetBytes(base.AsSlice())
	raw := sum.Add(sum, offset).FillBytes(make([]byte, base.BitLen()/8))
	a, _ := netip.AddrFromSlice(raw) // 4 or 16 bytes always make an address
	return a
}
