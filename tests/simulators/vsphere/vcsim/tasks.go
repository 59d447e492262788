package main

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// tasks run beside the call that started them, as on a real vCenter; the library's own have ended when it returns.
type tasks struct {
	mu      sync.Mutex
	running map[types.ManagedObjectReference]context.CancelFunc
	slow    func(method string) time.Duration
}

// job is what the work of a task gets: a context that ends when the task is cancelled, and a way to tell progress.
type job struct {
	context.Context
	task *simulator.Task
}

func (j *job) progress(percent int32) {
	change(j.task, types.PropertyChange{Name: "info.progress", Val: percent})
}

func (t *tasks) start(
	entity types.ManagedObjectReference, method string, work func(*job) (types.AnyType, error),
) types.ManagedObjectReference {
	name := strings.TrimSuffix(method, "_Task")
	task := simulator.CreateTask(entity, strings.ToLower(name[:1])+name[1:], nil)
	ctx, cancel := context.WithCancel(context.Background())
	t.mu.Lock()
	if t.running == nil {
		t.running = map[types.ManagedObjectReference]context.CancelFunc{}
	}
	t.running[task.Self] = cancel
	t.mu.Unlock()
	if owner, ok := simulator.Map.Get(entity).(mo.Entity); ok {
		change(task, types.PropertyChange{Name: "info.entityName", Val: owner.Entity().Name})
	}
	change(task,
		types.PropertyChange{Name: "info.name", Val: method}, // pyVmomi looks it up
		types.PropertyChange{Name: "info.startTime", Val: time.Now()},
		types.PropertyChange{Name: "info.cancelable", Val: true},
		types.PropertyChange{Name: "info.state", Val: types.TaskInfoStateRunning},
	)
	go func() {
		defer cancel()
		result, err := guarded(func() (types.AnyType, error) {
			select {
			case <-time.After(t.slow(method)):
				return work(&job{ctx, task})
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		})
		t.end(task, ctx, result, err)
	}()
	return task.Self
}

func (t *tasks) end(task *simulator.Task, ctx context.Context, result types.AnyType, err error) {
	t.mu.Lock()
	delete(t.running, task.Self)
	t.mu.Unlock()
	changes := []types.PropertyChange{{Name: "info.completeTime", Val: time.Now()}}
	if err == nil {
		changes = append(changes, types.PropertyChange{Name: "info.result", Val: result},
			types.PropertyChange{Name: "info.state", Val: types.TaskInfoStateSuccess})
	} else {
		if ctx.Err() != nil {
			err = fault{&types.RequestCanceled{}, "The task was canceled by a user."}
			changes = append(changes, types.PropertyChange{Name: "info.cancelled", Val: true})
		}
		f := asFault(err)
		changes = append(changes,
			types.PropertyChange{Name: "info.error", Val: types.LocalizedMethodFault{
				Fault: f.BaseMethodFault, LocalizedMessage: f.Error(),
			}},
			types.PropertyChange{Name: "info.state", Val: types.TaskInfoStateError})
	}
	change(task, changes...)
}

func (v *vcenter) taskVerbs() {
	v.tasks.slow = func(method string) time.Duration {
		if rule := v.rules.take(method, "slow"); rule != nil {
			return time.Duration(rule.DelayMS) * time.Millisecond
		}
		return 0
	}
	on(v, func(request *types.CancelTask) (interface{}, error) {
		v.tasks.mu.Lock()
		defer v.tasks.mu.Unlock()
		cancel, ok := v.tasks.running[request.This]
		if !ok {
			return nil, fault{&types.InvalidState{}, "The task has ended."}
		}
		cancel()
		return &types.CancelTaskResponse{}, nil
	})
}

// change properties, where waiting clients see it.
func change(object mo.Reference, changes ...types.PropertyChange) {
	simulator.Map.WithLock(object, func() { simulator.Map.Update(object, changes) })
}

// finished gives the result of one of the library's own tasks.
func finished(ref types.ManagedObjectReference) (types.AnyType, error) {
	info := simulator.Map.Get(ref).(*simulator.Task).Info
	if info.Error != nil {
		return nil, fault{info.Error.Fault, ""}
	}
	return info.Result, nil
}
