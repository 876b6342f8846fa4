// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"
)

// A form asks for what an issue needs. The forge ignores a form with a field that it does not know, or without a needed one.
type form struct {
	Name, Description string
	Labels            []string
	Body              []struct {
		Type, ID    string
		Attributes  struct{ Label, Description, Placeholder string }
		Validations struct{ Required bool }
	}
}

func TestIssueFormsAreComplete(t *testing.T) {
	names, err := filepath.Glob("../../.github/ISSUE_TEMPLATE/*.yml")
	if err != nil || len(names) < 2 {
		t.Fatalf("forms: %q, %v", names, err)
	}
	for _, name := range names {
		if filepath.Base(name) == "config.yml" {
			continue
		}
		var f form
		decode(t, name, &f)
		if f.Name == "" || f.Description == "" || len(f.Body) == 0 {
			t.Errorf("%s has no name, description or body", name)
		}
		var ids []string
		for _, field := range f.Body {
			if field.ID == "" || slices.Contains(ids, field.ID) || field.Attributes.Label == "" || !slices.Contains([]string{"input", "textarea"}, field.Type) {
				t.Errorf("%s: the field %+v has a wrong type, or no label or id of its own", name, field)
			}
			ids = append(ids, field.ID)
		}
	}
	var config struct {
		Blank bool                                `yaml:"blank_issues_enabled"`
		Links []struct{ Name, URL, About string } `yaml:"contact_links"`
	}
	decode(t, "../../.github/ISSUE_TEMPLATE/config.yml", &config)
	if len(config.Links) != 1 || config.Links[0].URL != "https://github.com/sprymq/spry/security/advisories/new" {
		t.Errorf("vulnerabilities are not sent to a private place: %+v", config)
	}
}

func decode(t *testing.T, name string, value any) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(value); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}
