module github.com/sprymq/spry/contrib/prometheus

go 1.26.0
