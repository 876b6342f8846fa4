/** A Fifo is a queue whose operations take constant time. */
export declare class Fifo<T> {
    private items;
    private head;
    get length(): number;
    push(item: T): void;
    first(): T | undefined;
    shift(): T | undefined;
}
