// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"go/constant"
	"go/types"
	"slices"
	"strings"
)

// A printer makes the lines of a package.
type printer struct {
	path  string // as the lines begin
	own   *types.Package
	lines []string
}

// describePackage returns a line for each exported name of a package, and for each exported field and method of its types.
func describePackage(path string, p *types.Package) []string {
	w := &printer{path: path, own: p}
	for _, name := range p.Scope().Names() {
		if o := p.Scope().Lookup(name); o.Exported() {
			w.object(o)
		}
	}
	return w.lines
}

func (w *printer) add(format string, args ...any) {
	w.lines = append(w.lines, "pkg "+w.path+", "+fmt.Sprintf(format, args...))
}

func (w *printer) object(o types.Object) {
	switch o := o.(type) {
	case *types.Const:
		value := o.Val().ExactString()
		if o.Val().Kind() == constant.Float {
			value = o.Val().String()
		}
		w.add("const %s %s = %s", o.Name(), w.typ(o.Type()), value)
	case *types.Var:
		w.add("var %s %s", o.Name(), w.typ(o.Type()))
	case *types.Func:
		w.add("func %s%s", o.Name(), w.signature(o.Signature()))
	case *types.TypeName:
		w.typeName(o)
	}
}

// typeName describes a type. An alias of what only this module can import is described as the type that it stands for.
func (w *printer) typeName(o *types.TypeName) {
	t := o.Type()
	if o.IsAlias() {
		named, ok := types.Unalias(t).(*types.Named)
		if !ok || !internal(named.Obj()) {
			w.add("type %s = %s", o.Name(), w.typ(types.Unalias(t)))
			return
		}
		t = named
	}
	head := o.Name() + w.parameters(t)
	switch u := t.Underlying().(type) {
	case *types.Struct:
		w.add("type %s struct", head)
		w.fields(o.Name(), u)
	case *types.Interface:
		w.iface(o.Name(), head, u)
	default:
		w.add("type %s %s", head, w.typ(u))
	}
	if _, ok := t.Underlying().(*types.Interface); !ok {
		w.methods(o.Name(), t)
	}
}

func (w *printer) parameters(t types.Type) string {
	named, ok := t.(*types.Named)
	if !ok {
		return ""
	}
	return w.bracketed(named.TypeParams())
}

func (w *printer) bracketed(list *types.TypeParamList) string {
	if list.Len() == 0 {
		return ""
	}
	var all []string
	for p := range list.TypeParams() {
		all = append(all, p.Obj().Name()+" "+w.typ(p.Constraint()))
	}
	return "[" + strings.Join(all, ", ") + "]"
}

func (w *printer) fields(name string, s *types.Struct) {
	for f := range s.Fields() {
		switch {
		case f.Exported() && f.Embedded():
			w.add("type %s struct, embedded %s", name, w.typ(f.Type()))
		case f.Exported():
			w.add("type %s struct, %s %s", name, f.Name(), w.typ(f.Type()))
		case f.Embedded(): // whose exported fields are those of the type too
			if inner, ok := f.Type().Underlying().(*types.Struct); ok {
				w.fields(name, inner)
			}
		}
	}
}

func (w *printer) iface(name, head string, i *types.Interface) {
	closed := ""
	for m := range i.Methods() {
		if !m.Exported() {
			closed = " { unexported methods }"
			continue
		}
		w.add("type %s interface, %s%s", name, m.Name(), w.signature(m.Signature()))
	}
	w.add("type %s interface%s", head, closed)
}

// methods describes the methods of a type, and those that it has by fields which are not exported. Methods promoted from exported
// fields are described with the types of those.
func (w *printer) methods(name string, t types.Type) {
	values := types.NewMethodSet(t)
	for s := range types.NewMethodSet(types.NewPointer(t)).Methods() {
		m := s.Obj()
		if !m.Exported() || byExported(t, s.Index()) {
			continue
		}
		receiver := "*" + name
		if values.Lookup(m.Pkg(), m.Name()) != nil {
			receiver = name
		}
		w.add("method (%s) %s%s", receiver, m.Name(), w.signature(s.Type().(*types.Signature)))
	}
}

// byExported reports whether the way to a method, by the indexes of fields, leads through an exported field.
func byExported(t types.Type, way []int) bool {
	for ; len(way) > 1; way = way[1:] {
		if p, ok := t.Underlying().(*types.Pointer); ok {
			t = p.Elem()
		}
		s, ok := t.Underlying().(*types.Struct)
		if !ok {
			return false
		}
		f := s.Field(way[0])
		if f.Exported() {
			return true
		}
		t = f.Type()
	}
	return false
}

func (w *printer) signature(s *types.Signature) string {
	text := types.TypeString(types.NewSignatureType(nil, nil, nil, unnamed(s.Params()), unnamed(s.Results()), s.Variadic()), w.qualifier)
	return w.bracketed(s.TypeParams()) + strings.TrimPrefix(text, "func")
}

// unnamed are parameters without their names, which are no part of the API.
func unnamed(t *types.Tuple) *types.Tuple {
	var all []*types.Var
	for v := range t.Variables() {
		all = append(all, types.NewParam(v.Pos(), v.Pkg(), "", v.Type()))
	}
	return types.NewTuple(all...)
}

func (w *printer) typ(t types.Type) string { return types.TypeString(t, w.qualifier) }

func (w *printer) qualifier(p *types.Package) string {
	if p == w.own {
		return ""
	}
	return p.Name()
}

// internal reports whether only this module can name the object.
func internal(o types.Object) bool {
	return o.Pkg() != nil && slices.Contains(strings.Split(o.Pkg().Path(), "/"), "internal")
}
