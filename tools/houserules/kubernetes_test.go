// SPDX-License-Identifier: MIT

package main

import (
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// A manifest has the parts of Kubernetes' objects that have to fit each other.
type manifest struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Spec       struct {
		ClusterIP string `yaml:"clusterIP"`
		Selector  map[string]any
		Ports     []struct{ Port int }
		Template  struct {
			Metadata struct{ Labels map[string]any }
			Spec     struct {
				Containers []struct {
					Ports []struct {
						Name          string
						ContainerPort int `yaml:"containerPort"`
					}
					ReadinessProbe struct {
						HTTPGet struct{ Port string } `yaml:"httpGet"`
					} `yaml:"readinessProbe"`
				}
			}
		}
	}
}

// TestKubernetes checks that the service and the pods of the deployment page belong together.
func TestKubernetes(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "guide", "deployment.md"))
	if err != nil {
		t.Fatal(err)
	}
	objects := map[string]manifest{}
	for _, b := range parseDocument(string(page)).blocks {
		if b.language != "yaml" {
			continue
		}
		for decoder := yaml.NewDecoder(strings.NewReader(b.text)); ; {
			var m manifest
			if err := decoder.Decode(&m); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			objects[m.APIVersion+" "+m.Kind] = m
		}
	}
	service, deployment := objects["v1 Service"].Spec, objects["apps/v1 Deployment"].Spec
	labels := deployment.Template.Metadata.Labels
	if service.ClusterIP != "None" || len(labels) == 0 || !maps.Equal(service.Selector, labels) {
		t.Errorf("the service %+v does not select pods with the labels %v, or is not headless", service, labels)
	}
	matched, ok := deployment.Selector["matchLabels"].(map[string]any)
	if !ok || !maps.Equal(matched, labels) {
		t.Errorf("the deployment selects %v, and its pods have %v", deployment.Selector, labels)
	}
	for _, c := range deployment.Template.Spec.Containers {
		ports := map[string]int{}
		for _, p := range c.Ports {
			ports[p.Name] = p.ContainerPort
		}
		if _, ok := ports[c.ReadinessProbe.HTTPGet.Port]; !ok {
			t.Errorf("the probe's port %q is none of %v", c.ReadinessProbe.HTTPGet.Port, ports)
		}
		for _, p := range service.Ports {
			if !slices.Contains(slices.Collect(maps.Values(ports)), p.Port) {
				t.Errorf("the service's port %d is none of %v", p.Port, ports)
			}
		}
	}
}
