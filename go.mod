module github.com/fireflytasks/go-firefly

go 1.25.0
