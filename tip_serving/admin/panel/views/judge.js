// One tip at a time, or a pair. The next items are here already, so a key is answered at once; what was said waits in an
// outbox, kept by the browser, until the server has it in the lake.
import { Progress, Situation } from "tip-panel";

const RESEND_MS = 4000;

export default {
  components: { Progress, Situation },
  props: { page: Object, settled: Object, kinds: Array },
  data() {
    return { queue: [], done: [], points: {}, at: 0, comment: "", outbox: this.kept(), refused: [], is_commenting: false };
  },
  computed: {
    item() { return this.queue[0] || null; },
    names() { return this.page.criteria.map((criterion) => criterion.name); },
    is_pairs() { return this.page.kind === "pair"; },
    n_left() { return Math.max(0, this.page.n_left - this.said_here); },
    said_here() { return this.done.filter((one) => !this.page.known.includes(one.item.item)).length; },
    n_done() { return this.page.n_all - this.n_left; },
    waiting() { return Object.keys(this.outbox).length; },
    pace() {
      const times = this.done.slice(-10).map((one) => one.at);
      if (times.length < 3) return "";
      const per_minute = (times.length - 1) / ((times.at(-1) - times[0]) / 60000);
      return Math.round(per_minute) + " a minute";
    },
  },
  watch: {
    "page.items": { immediate: true, handler(items) { this.refill(items); } },
    settled(answer) {
      if (!answer) return;
      for (const [item, fault] of Object.entries(answer.items)) {
        if (fault) this.refused.push({ item, fault });
        delete this.outbox[item];
      }
      this.keep();
    },
  },
  mounted() {
    window.addEventListener("keydown", this.key);
    this.resending = setInterval(() => this.send(), RESEND_MS);
    this.send();
  },
  unmounted() {
    window.removeEventListener("keydown", this.key);
    clearInterval(this.resending);
  },
  methods: {
    store() { return "tip-outbox:" + this.page.who + ":" + this.page.experiment + ":" + this.page.kind; },
    kept() {
      try { return JSON.parse(localStorage.getItem(this.store()) || "{}"); } catch { return {}; }
    },
    keep() { localStorage.setItem(this.store(), JSON.stringify(this.outbox)); },
    send() { if (this.waiting) this.$emit("judged", Object.values(this.outbox)); },
    refill(items) {
      const held = new Set([...this.queue, ...this.done.map((one) => one.item)].map((item) => item.item));
      const fresh = items.filter((item) => !held.has(item.item) && !(item.item in this.outbox));
      const was = this.item;
      this.queue.push(...fresh);
      if (this.item !== was) this.open();
    },
    open(said = null) {
      this.points = said ? { ...said.points } : {};
      this.comment = said ? said.comment : "";
      this.is_commenting = Boolean(this.comment);
      this.at = 0;
      if (this.queue.length < 6) this.$emit("more", {});
      this.$nextTick(() => window.scrollTo(0, 0));
    },
    give(value) {
      this.points[this.names[this.at]] = value;
      const next = this.names.findIndex((name) => !(name in this.points));
      if (next === -1) this.finish({ points: { ...this.points } });
      else this.at = next;
    },
    finish(answer) {
      const item = this.queue.shift();
      const said = { item: item.item, batch: item.batch, comment: this.comment.trim(), ...answer };
      this.done.push({ item, said, at: Date.now() });
      this.outbox[item.item] = said;
      this.keep();
      this.$emit("judged", [said]);
      this.open();
    },
    skip() {
      this.queue.push(this.queue.shift());
      this.open();
    },
    undo() {
      const last = this.done.pop();
      if (!last) return;
      this.queue.unshift(last.item);
      this.open(last.said);
    },
    move(by) { this.at = Math.min(this.names.length - 1, Math.max(0, this.at + by)); },
    key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey || !this.item) return;
      const typing = ["TEXTAREA", "SELECT"].includes(event.target.tagName) || event.target.type === "text";
      if (typing) {
        if (event.key === "Escape" || event.key === "Enter") event.target.blur();
        return;
      }
      const digit = /^(Digit|Numpad)([1-5])$/.exec(event.code)?.[2] ?? (/^[1-5]$/.test(event.key) ? event.key : null);
      if (digit && !this.is_pairs && event.shiftKey) this.finish({ points: { ...Object.fromEntries(this.names.map((name) => [name, Number(digit)])), ...this.points } });
      else if (digit && !this.is_pairs) this.give(Number(digit));
      else if (this.is_pairs && ["ArrowLeft", "1"].includes(event.key)) this.finish({ preferred: "first" });
      else if (this.is_pairs && ["ArrowRight", "2"].includes(event.key)) this.finish({ preferred: "second" });
      else if (this.is_pairs && ["ArrowDown", "0", "3"].includes(event.key)) this.finish({ preferred: "tie" });
      else if (event.key === "ArrowDown") this.move(1);
      else if (event.key === "ArrowUp") this.move(-1);
      else if (event.key === "ArrowRight" || event.key === "s") this.skip();
      else if (event.key === "ArrowLeft" || event.key === "u" || event.key === "Backspace") this.undo();
      else if (event.key === "c") { this.is_commenting = true; this.$nextTick(() => this.$refs.comment.focus()); }
      else return;
      event.preventDefault();
    },
  },
  template: `
    <div class="desk">
      <div class="desk-bar">
        <div><p class="kicker"><a href="/judge">Judge</a></p><h1><bdi>{{ page.title }}</bdi></h1></div>
        <div><span id="n-done">{{ n_done }}</span> of {{ page.n_all }} <small v-if="pace">&middot; {{ pace }}</small><br>
          <span class="outbox" :class="{ 'is-waiting': waiting }" role="status">{{ waiting ? waiting + " not saved yet" : done.length ? "all saved" : "" }}</span></div>
        <Progress :share="page.n_all ? n_done / page.n_all : 1" label="Judged"/>
      </div>
      <div v-for="one in refused" class="note bad" role="alert"><p>One answer was not taken: {{ one.fault }}</p></div>
      <div v-if="!item" class="empty">
        <h2>{{ page.n_all ? "All judged" : "Nothing to judge" }}</h2>
        <p>{{ page.n_all ? "You have said something about every item. The ranking takes it in within moments." : "There are no tips here yet. They come as soon as cells have ended." }}</p>
        <div class="acts" style="justify-content: center"><button v-if="done.length" type="button" @click="undo">Back to the last one</button><a class="button" href="/judge">Other work</a></div>
      </div>
      <template v-else>
        <Situation v-if="item.situation" :situation="item.situation"/>
        <p v-else class="say">Nothing is known of the situation.</p>
        <template v-if="is_pairs">
          <div class="pair" role="group" aria-label="Which tip is better?">
            <button type="button" @click="finish({ preferred: 'first' })"><span class="tag">Left is better <kbd>&larr;</kbd></span><span class="tip" dir="auto">{{ item.first }}</span></button>
            <button type="button" @click="finish({ preferred: 'second' })"><span class="tag">Right is better <kbd>&rarr;</kbd></span><span class="tip" dir="auto">{{ item.second }}</span></button>
          </div>
          <button type="button" @click="finish({ preferred: 'tie' })">Equally good <kbd>&darr;</kbd></button>
        </template>
        <template v-else>
          <p class="tip" dir="auto" id="tip">{{ item.tip }}</p>
          <div class="criteria">
            <fieldset v-for="(criterion, i) in page.criteria" :key="item.item + criterion.name" class="criterion" :class="{ 'is-now': i === at }" :aria-labelledby="'c-' + i">
              <div><span class="name" :id="'c-' + i">{{ criterion.name }}</span> <span class="asks">{{ criterion.question }}</span>
                <span class="meaning">{{ points[criterion.name] ? criterion.anchors[points[criterion.name] - 1] : "" }}</span></div>
              <div class="points"><label v-for="n in 5" :title="criterion.anchors[n - 1]"><input type="radio" :name="criterion.name" :value="n" :checked="points[criterion.name] === n"
                @click="at = i; give(n)" :aria-label="n + ': ' + criterion.anchors[n - 1]">{{ n }}</label></div>
            </fieldset>
          </div>
        </template>
        <div class="desk-foot">
          <button type="button" :disabled="!done.length" @click="undo">Undo <kbd>{{ is_pairs ? "u" : "\u2190" }}</kbd></button>
          <button type="button" @click="skip" :disabled="queue.length < 2">Later <kbd>{{ is_pairs ? "s" : "\u2192" }}</kbd></button>
          <button v-if="!is_commenting" type="button" class="quiet" @click="is_commenting = true">Comment <kbd>c</kbd></button>
          <div v-else class="field"><label class="hidden" for="comment">Comment</label><input id="comment" ref="comment" type="text" v-model="comment" maxlength="2000" placeholder="A word on this one, if you like"></div>
        </div>
        <p class="keys" v-if="!is_pairs"><span><kbd>1</kbd>&ndash;<kbd>5</kbd> points, then on by itself</span><span><kbd>Shift</kbd> <kbd>1</kbd>&ndash;<kbd>5</kbd> the same for all that is left</span><span><kbd>&uarr;</kbd> <kbd>&darr;</kbd> criterion</span></p>
        <p class="keys" v-else><span><kbd>&larr;</kbd> <kbd>&rarr;</kbd> the better one</span><span><kbd>&darr;</kbd> a tie</span><span><kbd>u</kbd> undo</span><span><kbd>s</kbd> later</span></p>
      </template>
    </div>`,
};
